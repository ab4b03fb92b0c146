"""What becomes of an input: which wait takes it, what is kept for later, and what is nobody's."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from msgspec.structs import replace

from turnflow.core import _groups, _menu
from turnflow.core._buttons import parse_ref, resolve
from turnflow.core._draft import Draft, bound_to, spec_of
from turnflow.core.definition import Accepts, Flow, WaitSpec
from turnflow.core.effects import Release
from turnflow.core.events import InputReceived
from turnflow.core.ids import Nonce, TimerId
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.core.state import Cursor, Owed, RunState, Timer

BACKLOG_LIMIT: Final = 100
"""Most inputs a run keeps while it cannot take them (guarantees: Limits)."""


def takes(accepts: Accepts, input: Input, matched: Collection[str]) -> bool:
    """Tell whether a wait takes an input of this kind. Presses are matched by reference, never here."""
    if accepts.filter:
        return accepts.filter in matched
    if input.kind == "command":
        return bool(accepts.command) and accepts.command.casefold() == input.command.casefold()
    return input.kind in accepts.kinds or "any" in accepts.kinds


def allows(state: RunState, spec: WaitSpec | None, input: Input, roles: Collection[str]) -> bool:
    """Tell whether the sender may answer: the run's own person, anybody it is shared with, or whom `who` names."""
    if input.sender == state.user or state.key_policy in ("chat", "thread"):
        return True
    who = spec.who if spec is not None else ()
    return any(
        name == "anyone" or name == input.sender or (name.startswith("role:") and name[5:] in roles) for name in who
    )


def candidates(
    flow: Flow,
    state: RunState,
    cursors: Iterable[Cursor],
    input: Input,
    matched: Collection[str],
    roles: Collection[str],
) -> list[Cursor]:
    """Return the cursors whose open, unanswered waits take an input of this kind from this sender."""
    found = []
    for cursor in cursors:
        if cursor.wait is not None and not cursor.owed:
            spec = spec_of(flow, cursor)
            if spec is not None and takes(spec.accepts, input, matched) and allows(state, spec, input, roles):
                found.append(cursor)
    return found


def receive(draft: Draft, event: InputReceived) -> str:
    """Apply an input. Returns "" if it changed the run, else why it did not."""
    input = event.input
    if draft.status == "blocked" or draft.status == "stuck":
        draft.answer_press(input, draft.status)
        if not any(kept.sender == input.sender for kept in draft.backlog) and input.kind != "press":
            draft.notice(draft.status)
        return _keep(draft, input)
    if draft.status == "paused":
        draft.answer_press(input)
        return _keep(draft, input)
    if draft.leaving:
        if input.kind != "press":
            return _keep(draft, input)  # given back at the end: it may start what comes next
        draft.answer_press(input, "inactive")
        return "ending"
    why = _pressed(draft, event) if input.kind == "press" else _received(draft, event)
    if not why:
        not_idle(draft)
    return why


def not_idle(draft: Draft) -> None:
    """Count idleness from now on."""
    idle = draft.flow.policies.idle
    if idle is not None:
        draft.set_timer(Timer(TimerId("idle"), "idle", draft.at + idle))


def _received(draft: Draft, event: InputReceived) -> str:
    input = event.input
    if draft.groups and allows(draft.state, None, input, event.roles):
        choice = _menu.menu_choice(draft.flow, draft.groups.values(), input)
        if choice is not None:
            _menu.choose(draft, *choice)
            return ""
    found = candidates(draft.flow, draft.state, draft.cursors.values(), input, event.matched, event.roles)
    if len(found) == 1:
        return give(draft, found[0], input)
    if found:
        return _menu.decide(draft, found, event)
    return _untaken(draft, event)


def _pressed(draft: Draft, event: InputReceived) -> str:
    input = event.input
    parsed = parse_ref(input.ref)
    if parsed is None:
        return _refuse_press(draft, input, "inactive")
    nonce, value = parsed
    for group in draft.groups.values():
        if group.menu is not None and group.menu.nonce == nonce:
            if not allows(draft.state, None, input, event.roles):
                return _refuse_press(draft, input, "foreign")
            draft.answer_press(input)
            _menu.choose(draft, group, resolve(group.menu, value))
            return ""
    cursor = _waiting_for(draft, nonce)
    if cursor is None:
        return _refuse_press(draft, input, "inactive")
    if not allows(draft.state, draft.spec(cursor), input, event.roles):
        return _refuse_press(draft, input, "foreign")
    if any(owed.phase == "input" for owed in cursor.owed):
        return _refuse_press(draft, input, "answered")
    draft.answer_press(input)
    return _keep(draft, input) if cursor.owed else _give_press(draft, cursor, input, value)


def _waiting_for(draft: Draft, nonce: Nonce) -> Cursor | None:
    for cursor in draft.cursors.values():
        if cursor.wait is not None and cursor.wait.nonce == nonce:
            return cursor
    return None


def _give_press(draft: Draft, cursor: Cursor, input: Input, value: str) -> str:
    return give(draft, cursor, replace(input, value=resolve(cursor.wait, value) if cursor.wait is not None else value))


def _refuse_press(draft: Draft, input: Input, why: str) -> str:
    draft.answer_press(input, None if draft.flow.policies.keep_buttons else "inactive")
    return why


def _untaken(draft: Draft, event: InputReceived) -> str:
    """Handle input that no open wait takes: for the operator, for later, or for an `otherwise`."""
    input = event.input
    if not allows(draft.state, None, input, event.roles):
        return "foreign"
    for cursor in draft.cursors.values():
        if cursor.escalation is not None:
            detail = f"{draft.state.run} {input.name or input.sender}: {input.text or input.kind}"
            draft.tell_role("operator", Message(detail, media=input.media))
            return ""
    if is_busy(draft.cursors.values()):
        return _keep(draft, input)
    for cursor in draft.cursors.values():
        spec = draft.spec(cursor)
        if spec is None:
            continue
        if spec.otherwise is not None:
            draft.say(bound_to(draft, cursor, spec.otherwise))
            return ""
        if spec.otherwise_handler:
            draft.owe(cursor, Owed("otherwise", cursor.step, draft.fresh(), since=draft.at, input=input))
            return ""
    return "no_wait"


def is_busy(cursors: Iterable[Cursor]) -> bool:
    """Tell whether user code is at work or due, so that input has to wait for it."""
    return any(cursor.owed or cursor.call is not None for cursor in cursors)


def _keep(draft: Draft, input: Input) -> str:
    if len(draft.backlog) >= BACKLOG_LIMIT:
        return "backlog_full"
    draft.backlog = (*draft.backlog, input)
    return ""


def give(draft: Draft, cursor: Cursor, input: Input) -> str:
    """Hand an input to the wait of a cursor; from here on it has won."""
    spec, wait = spec_of(draft.flow, cursor), cursor.wait
    if spec is None or wait is None:
        return "no_wait"
    if input.at <= cursor.moved and cursor.moved:
        return ""  # an answer to a question that is gone; the one that took its place has just been asked
    if spec.gather:
        if not wait.gathered:
            due = draft.at + spec.gather
            draft.set_timer(Timer(TimerId(f"g{draft.fresh()}"), "gather", due, cursor.id))
        draft.put(replace(cursor, wait=replace(wait, gathered=(*wait.gathered, input)), spoken=draft.at))
    else:
        owed = Owed("input", cursor.step, draft.fresh(), since=draft.at, input=input)
        draft.put(replace(cursor, owed=(owed,), spoken=draft.at))
    if cursor.group is not None:
        _groups.focus(draft, cursor)
    return ""


def drain(draft: Draft) -> bool:
    """Give the oldest kept input that a wait takes; tell whether one was given.

    Once the run is at rest, input that no wait takes is released: routed anew, it meets the run as it is now, and whatever
    else may want it. Presses were answered when they came; one whose wait is gone is dropped. While a menu asks which branch
    earlier input is for, later input waits its turn.
    """
    if any(group.undecided for group in draft.groups.values()):
        return False
    for index, input in enumerate(draft.backlog):
        pressed = parse_ref(input.ref) if input.kind == "press" else None
        found = _kept_for(draft, input, pressed)
        if found:
            draft.backlog = draft.backlog[:index] + draft.backlog[index + 1 :]
            if pressed is not None:
                _give_press(draft, found[0], input, pressed[1])
            elif len(found) == 1:
                give(draft, found[0], input)
            else:
                _menu.decide(draft, found, InputReceived(draft.at, input))
            return True
    if not is_busy(draft.cursors.values()):
        release(draft)
    return False


def _kept_for(draft: Draft, input: Input, pressed: tuple[Nonce, str] | None) -> list[Cursor]:
    if input.kind != "press":
        return candidates(draft.flow, draft.state, draft.cursors.values(), input, (), ())
    cursor = _waiting_for(draft, pressed[0]) if pressed is not None else None
    if cursor is None or cursor.owed or not allows(draft.state, draft.spec(cursor), input, ()):
        return []
    return [cursor]


def release(draft: Draft) -> None:
    """Hand back what was kept and not used."""
    kept = tuple(input for input in draft.backlog if input.kind != "press")
    if kept:
        draft.effects.append(Release(draft.key(), kept))
    draft.backlog = ()
