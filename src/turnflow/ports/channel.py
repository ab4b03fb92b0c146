"""The channel port and the runtime as channels see it: what comes in, what goes out, what became of it."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from turnflow.core.ids import At, ConversationId, EffectKey, InputId, RunId
from turnflow.core.inputs import Input
from turnflow.core.messages import Message


class Inbound(Struct, frozen=True):
    """An input as a channel hands it to the engine."""

    conversation: ConversationId
    input: Input
    chat: str = ""
    """Id of the chat; empty: the conversation's."""
    thread: str = ""


class Outbound(Struct, frozen=True):
    """A reply as a channel gets it. With `press` set it answers that button press (text empty: silently)."""

    conversation: ConversationId
    seq: int
    index: int
    key: EffectKey
    message: Message
    press: InputId = InputId("")


class Channel(Protocol):
    """Carries replies to people. The engine calls `send` in order per conversation, never twice at once for one."""

    @property
    def prefix(self) -> str:
        """Ids of its conversations begin with this, for instance `web:`."""

    async def send(self, outbound: Outbound) -> str:
        """Deliver and return the channel's id of the message ("" if it has none).

        Raises `RetryLater` (definitely not sent), `Undeliverable` (never will be). Anything else: the outcome is unknown.
        """


class Handled(NamedTuple):
    """Applied and durable, or (for a press on a dead button and the like) politely refused."""

    runs: tuple[RunId, ...]
    refused: str = ""


class Duplicate(NamedTuple):
    """The input's id was seen before; nothing changed."""


class Unclaimed(NamedTuple):
    """No run and no trigger wants it: the host's own handlers may."""

    reason: str = ""


class Refused(NamedTuple):
    """Refused before acceptance because of a documented limit."""

    reason: str


Delivery: TypeAlias = Handled | Duplicate | Unclaimed | Refused


class Runtime(Protocol):
    """What channels and host programs see of an engine."""

    async def deliver(self, inbound: Inbound) -> Delivery:
        """Route an input, run the turn, return after its commit."""

    async def accept(self, inbound: Inbound) -> Delivery:
        """Store an input durably and return; the turn follows."""

    async def history(
        self, conversation: ConversationId, after: tuple[int, int] = (0, -1), limit: int = 200
    ) -> list[Said]:
        """Return what was said in a conversation behind a place, oldest first; negative `limit`: the newest lines."""


class Said(Struct, frozen=True, omit_defaults=True):
    """One line of a conversation as people saw it."""

    seq: int
    index: int
    at: At
    input: Input | None = None
    message: Message | None = None
    live: bool = True
    """Of a reply with buttons: whether pressing them still means something, as far as is known. Of a press: False if refused."""
