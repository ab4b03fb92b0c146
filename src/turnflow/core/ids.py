"""Names and identifiers: distinct types, so that a step never passes for a flow.

`At` and `Millis` are plain integers: moments are milliseconds since the Unix epoch (UTC), durations are milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NewType, TypeAlias

from msgspec import Raw

FlowName = NewType("FlowName", str)
StepName = NewType("StepName", str)
RunId = NewType("RunId", str)
ConversationId = NewType("ConversationId", str)
MailboxId = NewType("MailboxId", str)
UserId = NewType("UserId", str)
InputId = NewType("InputId", str)
Nonce = NewType("Nonce", str)
EffectKey = NewType("EffectKey", str)
TimerId = NewType("TimerId", str)
CursorId = NewType("CursorId", int)
GroupId = NewType("GroupId", int)

At: TypeAlias = int
Millis: TypeAlias = int

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
    MaybeRaw: TypeAlias = Raw | None
else:  # the codec cannot follow a recursive alias; for it a JSON value is anything it can read
    Json = Any
    # Of `Raw | None` it would read only null. None is never written: it is the default of every field that may hold it.
    MaybeRaw = Raw
