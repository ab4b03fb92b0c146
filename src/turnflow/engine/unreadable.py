"""Runs whose rows cannot be read: what is said to them is kept in the inbox until they can, and the person is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from turnflow.core.definition import KeyPolicy
from turnflow.core.ids import EffectKey, InputId, RunId
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.core.routing import Elsewhere, Nobody, Place, Route, ToTrigger, key_of
from turnflow.engine import effects
from turnflow.engine.payloads import Reply
from turnflow.ports import Handled

if TYPE_CHECKING:
    from turnflow.engine.turn import Turn

POLICIES: Final[tuple[KeyPolicy, ...]] = get_args(KeyPolicy)


def meant_for(turn: Turn, input: Input, place: Place, found: Route) -> RunId | None:
    """Return the run that would have got an input which no run that can be read wants, or None.

    What is known of it is its live key: the flow, the key policy and the key.
    """
    unreadable = turn.hot.unreadable
    if isinstance(found, Elsewhere):
        return found.run if found.run in unreadable else None
    if input.kind == "press" or not isinstance(found, Nobody | ToTrigger):
        return None
    keys = {f"{policy}|{key_of(policy, input, place)}" for policy in POLICIES}
    for run, live_key in unreadable.items():
        flow, _, key = live_key.partition("|")
        starts_another = isinstance(found, ToTrigger) and input.kind == "command" and found.flow != flow
        if key in keys and not starts_another:
            return run
    return None


def keep(turn: Turn, run: RunId, input: Input) -> None:
    """Leave an input in the inbox, and say so once."""
    turn.kept = True
    turn.delivery = Handled((run,), "stuck")
    if not turn.item.seq:
        said = Reply(turn.engine.texts.worded("stuck", Message()), input.id if input.kind == "press" else InputId(""))
        effects.put_reply(turn, EffectKey(f"stuck:{input.id}"), said)
