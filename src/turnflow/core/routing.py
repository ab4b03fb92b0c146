"""Which run or trigger gets an input: pure, so that every runtime decides alike. The first match wins (semantics, section C)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct

from turnflow.core import _inputs
from turnflow.core._buttons import parse_ref
from turnflow.core._draft import spec_of
from turnflow.core._menu import menu_choice
from turnflow.core.definition import Flow, KeyPolicy, Registration, Trigger
from turnflow.core.ids import CursorId, FlowName, Nonce, RunId
from turnflow.core.inputs import MEDIA_KINDS, Input
from turnflow.core.state import TERMINAL, RunState

SPECIFICITY: Final = ("command", "callback", "filter", "pattern", "media", "any_text")


class Place(Struct, frozen=True, gc=False):
    """Where an input came from."""

    conversation: str
    chat: str
    thread: str = ""


class Live(Struct, frozen=True, gc=False):
    """A live run that may be meant, with the definition it runs by."""

    state: RunState
    flow: Flow


class ToRun(Struct, frozen=True, gc=False):
    """The run gets it. `maybe`: several of its waits take this kind; whether the answer parses may decide."""

    run: RunId
    maybe: tuple[CursorId, ...] = ()


class ToTrigger(Struct, frozen=True, gc=False):
    """It starts a flow, or repeats the trigger of a live one."""

    flow: FlowName


class ToCancel(Struct, frozen=True, gc=False):
    """The cancel command: the run to end, with everything below it."""

    run: RunId


class Dead(Struct, frozen=True, gc=False):
    """A press on a button that means nothing any more, or that is somebody else's."""

    reason: str


class Elsewhere(Struct, frozen=True, gc=False):
    """A press that references a run which is not among the live ones of this mailbox."""

    run: RunId


class Nobody(Struct, frozen=True, gc=False):
    """No run and no trigger wants it."""


Route: TypeAlias = ToRun | ToTrigger | ToCancel | Dead | Elsewhere | Nobody


def key_of(policy: KeyPolicy, input: Input, place: Place) -> str:
    """Return the value of a key policy for an input: runs with the same one belong together."""
    if policy == "user_in_chat":
        return f"{place.chat}|{input.sender}"
    if policy == "user":
        return input.sender
    if policy == "chat":
        return place.chat
    return f"{place.chat}|{place.thread}"


def route(
    input: Input,
    place: Place,
    live: Sequence[Live],
    registrations: Sequence[Registration],
    *,
    matched: Collection[str] = (),
    roles: Collection[str] = (),
    cancel: str = "cancel",
) -> Route:
    """Decide who gets an input. `live`: runs of the mailbox that have not ended; `matched`: filters that say yes to it."""
    if input.kind == "press":
        return _press(input, live, registrations)
    mine = [run for run in live if belongs(run, input, place, roles)]
    if len(mine) > 1:
        mine.sort(key=_attention, reverse=True)
    if input.kind == "command":
        if input.command.casefold() == cancel.casefold():
            for run in mine:
                if _is_own(run.state, input, place) and run.state.ending is None and run.state.cancelling is None:
                    return ToCancel(root_of(run.state))
        return _taker(mine, input, matched, roles) or _command(input, registrations) or Nobody()
    return (
        _taker(mine, input, matched, roles)
        or _keeper([run for run in mine if _is_own(run.state, input, place)])
        or trigger_for(input, registrations, matched)
        or Nobody()
    )


def _attention(run: Live) -> tuple[int, int]:
    """Order runs by when they last changed; of a nest that changed at once, the innermost has the attention."""
    state = run.state
    return state.updated, state.parent.depth if state.parent is not None else 0


def belongs(run: Live, input: Input, place: Place, roles: Collection[str]) -> bool:
    """Tell whether an input may concern a run: by its key policy, or because a wait widens who may answer."""
    state = run.state
    if state.status in TERMINAL:
        return False
    if _is_own(state, input, place):
        return True
    if state.chat != place.chat or (state.key_policy == "thread" and state.thread != place.thread):
        return False
    for cursor in state.cursors:
        spec = spec_of(run.flow, cursor)
        if spec is not None and spec.who and _inputs.allows(state, spec, input, roles):
            return True
    return False


def _is_own(state: RunState, input: Input, place: Place) -> bool:
    return key_of(state.key_policy, input, place) == state.key


def root_of(state: RunState) -> RunId:
    """Return the run at the top of the nest that a run belongs to."""
    return state.parent.root if state.parent is not None and state.parent.awaited else state.run


def _press(input: Input, live: Sequence[Live], registrations: Sequence[Registration]) -> Route:
    nonce = button_nonce(input.ref)
    if nonce is None:
        return _callback(input.ref, registrations) or Nobody()
    run = RunId(nonce.partition(".")[0])
    for candidate in live:
        if candidate.state.run == run:
            return ToRun(run) if candidate.state.status not in TERMINAL else Dead("ended")
    return Elsewhere(run)


def button_nonce(ref: str) -> Nonce | None:
    """Return the wait a button reference leads to; None for anybody else's callback data."""
    parsed = parse_ref(ref)
    return parsed[0] if parsed is not None else None


def _taker(mine: Sequence[Live], input: Input, matched: Collection[str], roles: Collection[str]) -> ToRun | None:
    """Return the newest run that takes an input now: by a menu, a wait, or as an operator's."""
    for run in mine:
        flow, state = run.flow, run.state
        if state.status in ("blocked", "stuck") or state.ending is not None or state.cancelling is not None:
            continue
        if state.groups and _chooses(run, input, roles):
            return ToRun(state.run)
        found = _inputs.candidates(flow, state, state.cursors, input, matched, roles)
        if found:
            return ToRun(state.run, tuple(cursor.id for cursor in found) if len(found) > 1 else ())
        escalated = any(cursor.escalation is not None for cursor in state.cursors)
        if escalated and input.kind != "command" and _inputs.allows(state, None, input, roles):
            return ToRun(state.run)
    return None


def _chooses(run: Live, input: Input, roles: Collection[str]) -> bool:
    """Tell whether an input picks a branch from an open menu."""
    return menu_choice(run.flow, run.state.groups, input) is not None and _inputs.allows(run.state, None, input, roles)


def _keeper(mine: Sequence[Live]) -> ToRun | None:
    """Return the newest run that keeps an input for later, else the newest that replies to input of the wrong kind."""
    for run in mine:
        state = run.state
        if state.status in ("blocked", "stuck"):
            return ToRun(state.run)
        if state.ending is None and any(cursor.owed for cursor in state.cursors):
            return ToRun(state.run)
    for run in mine:
        for cursor in run.state.cursors:
            spec = spec_of(run.flow, cursor)
            if spec is not None and (spec.otherwise is not None or spec.otherwise_handler):
                return ToRun(run.state.run)
    return None


def _callback(ref: str, registrations: Sequence[Registration]) -> ToTrigger | None:
    """Return the trigger of a host's button: one that names it exactly, else the longest beginning of it."""
    best: tuple[int, FlowName] | None = None
    for registration in registrations:
        for trigger in registration.triggers:
            wanted = trigger.value
            if trigger.kind != "callback":
                continue
            if wanted == ref:
                return ToTrigger(registration.flow.name)
            if wanted.endswith("*") and ref.startswith(wanted[:-1]) and (best is None or len(wanted) > best[0]):
                best = (len(wanted), registration.flow.name)
    return ToTrigger(best[1]) if best is not None else None


def _command(input: Input, registrations: Sequence[Registration]) -> ToTrigger | None:
    for registration in registrations:
        for trigger in registration.triggers:
            if trigger.kind == "command" and trigger.value.casefold() == input.command.casefold():
                return ToTrigger(registration.flow.name)
    return None


def trigger_for(input: Input, registrations: Sequence[Registration], matched: Collection[str]) -> ToTrigger | None:
    """Return the most specific trigger of an input that is no command and no press; equals by order of registration."""
    best: tuple[int, FlowName] | None = None
    for registration in registrations:
        for trigger in registration.triggers:
            if trigger.kind in ("event", "schedule"):
                continue
            rank = SPECIFICITY.index(trigger.kind)
            if (best is None or rank < best[0]) and _triggers(trigger, input, matched):
                best = (rank, registration.flow.name)
    return ToTrigger(best[1]) if best is not None else None


def _triggers(trigger: Trigger, input: Input, matched: Collection[str]) -> bool:
    match trigger.kind:
        case "filter":
            return trigger.value in matched
        case "pattern":
            return input.kind == "text" and _compiled(trigger.value).search(input.text) is not None
        case "media":
            return input.kind == trigger.value or (trigger.value == "any" and input.kind in MEDIA_KINDS)
        case "any_text":
            return input.kind == "text"
        case _:
            return False


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
