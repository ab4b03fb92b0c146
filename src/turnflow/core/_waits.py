"""Waits: opening them, giving them input, and what happens when their time is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec.structs import replace

from turnflow.core import _failures, _groups, _navigation
from turnflow.core._draft import REF_MARK, Draft, bind, bound_to
from turnflow.core.definition import Accepts, WaitSpec
from turnflow.core.events import InputReceived
from turnflow.core.ids import Nonce, TimerId
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.core.state import Cursor, Owed, RunState, Timer, Wait

BACKLOG_LIMIT = 100
"""Most inputs a run keeps while it cannot take them (guarantees: Limits)."""


def takes(accepts: Accepts, input: Input, matched: Collection[str]) -> bool:
    """Tell whether a wait takes an input of this kind. Presses are matched by reference, never here."""
    if accepts.filter:
        return accepts.filter in matched
    if input.kind == "command":
        return bool(accepts.command) and accepts.command == input.command
    return input.kind in accepts.kinds or ("any" in accepts.kinds and input.kind != "press")


def allows(state: RunState, spec: WaitSpec | None, input: Input, roles: Collection[str]) -> bool:
    """Tell whether the sender may answer: the run's own person, anybody it is shared with, or whom `who` names."""
    if input.sender == state.user or state.key_policy in ("chat", "thread"):
        return True
    who = spec.who if spec is not None else ()
    return any(
        name == "anyone" or name == input.sender or (name.startswith("role:") and name[5:] in roles) for name in who
    )


def parse_ref(ref: str) -> tuple[Nonce, str] | None:
    """Split a button reference of ours into nonce and answer; None for anybody else's callback data."""
    if not ref.startswith(REF_MARK):
        return None
    nonce, found, value = ref[1:].partition(":")
    return (Nonce(nonce), value) if found and "." in nonce else None


def open_wait(
    draft: Draft, cursor: Cursor, label: str, spec: WaitSpec, own: bool, messages: Sequence[Message]
) -> None:
    """Say `messages` and park the cursor. `own`: the spec is the question of the step and need not be stored."""
    nonce = draft.nonce()
    serial = draft.serial
    options: list[str] = []
    for message in messages:
        draft.say(bind(message, nonce, options))
    wait = Wait(label, nonce, draft.at, None if own else spec, options=tuple(options))
    draft.put(replace(cursor, wait=wait))
    draft.hops = 0
    if spec.timeout is not None:
        draft.set_timer(Timer(TimerId(f"w{serial}"), "wait", draft.at + spec.timeout, cursor.id))
    for index, reminder in enumerate(spec.remind):
        draft.set_timer(Timer(TimerId(f"r{serial}.{index}"), "remind", draft.at + reminder.after, cursor.id, None, index))


def close_wait(draft: Draft, cursor: Cursor) -> Cursor:
    """Return the cursor without its wait; the wait's timers are cleared."""
    if cursor.wait is None:
        return cursor
    draft.clear_timers(cursor.id)
    return replace(cursor, wait=None)


def candidates(draft: Draft, input: Input, matched: Collection[str], roles: Collection[str]) -> list[Cursor]:
    """Return the cursors whose open, unanswered waits take an input of this kind from this sender."""
    found = []
    for cursor in draft.cursors.values():
        spec = None if cursor.owed else draft.spec(cursor)
        if spec is not None and takes(spec.accepts, input, matched) and allows(draft.state, spec, input, roles):
            found.append(cursor)
    return found


def receive(draft: Draft, event: InputReceived) -> str:
    """Apply an input. Returns "" if it changed the run, else why it did not."""
    input = event.input
    if draft.status in ("blocked", "stuck"):
        draft.answer_press(input, "blocked" if draft.status == "blocked" else "stuck")
        if not any(kept.sender == input.sender for kept in draft.backlog) and input.kind != "press":
            draft.notice("blocked" if draft.status == "blocked" else "stuck")
        return _keep(draft, input)
    if draft.ending is not None or draft.cancelling is not None:
        draft.answer_press(input, "inactive")
        return "ending"
    if input.kind == "press":
        return _pressed(draft, event)
    open_menu = _groups.menu_choice(draft, input)
    if open_menu is not None:
        _groups.choose(draft, *open_menu)
        return ""
    found = candidates(draft, input, event.matched, event.roles)
    if len(found) == 1:
        return give(draft, found[0], input)
    if found:
        return _groups.decide(draft, found, event)
    return _untaken(draft, event)


def _pressed(draft: Draft, event: InputReceived) -> str:
    input = event.input
    parsed = parse_ref(input.ref)
    if parsed is not None:
        nonce, value = parsed
        for group in draft.groups.values():
            if group.menu is not None and group.menu.nonce == nonce:
                if not allows(draft.state, None, input, event.roles):
                    return _refuse_press(draft, input, "foreign")
                draft.answer_press(input)
                _groups.choose(draft, group, _resolve(group.menu, value))
                return ""
        for cursor in draft.cursors.values():
            wait = cursor.wait
            if wait is None or wait.nonce != nonce:
                continue
            if cursor.owed:
                return _refuse_press(draft, input, "answered")
            if not allows(draft.state, draft.spec(cursor), input, event.roles):
                return _refuse_press(draft, input, "foreign")
            draft.answer_press(input)
            return give(draft, cursor, replace(input, value=_resolve(wait, value)))
    return _refuse_press(draft, input, "inactive")


def _resolve(wait: Wait, value: str) -> str:
    if value.startswith("#") and value[1:].isdecimal() and int(value[1:]) < len(wait.options):
        return wait.options[int(value[1:])]
    return value


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
            draft.tell_role("operator", Message(detail))
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
            owe(draft, cursor, Owed("otherwise", cursor.step, draft.fresh(), since=draft.at, input=input))
            return ""
    return "no_wait"


def is_busy(cursors: Iterable[Cursor]) -> bool:
    """Tell whether user code is at work or due, so that input has to wait for it."""
    return any(cursor.owed or cursor.call is not None for cursor in cursors)


def _keep(draft: Draft, input: Input) -> str:
    if len(draft.backlog) >= BACKLOG_LIMIT:
        return "backlog_full"
    if input.kind != "press":
        draft.backlog = (*draft.backlog, input)
    return ""


def give(draft: Draft, cursor: Cursor, input: Input) -> str:
    """Hand an input to the wait of a cursor; from here on it has won."""
    spec, wait = draft.spec(cursor), cursor.wait
    if spec is None or wait is None:
        return "no_wait"
    draft.hops = 0
    _idle_again(draft)
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


def _idle_again(draft: Draft) -> None:
    idle = draft.flow.policies.idle
    if idle is not None:
        draft.set_timer(Timer(TimerId("idle"), "idle", draft.at + idle))


def drain(draft: Draft) -> bool:
    """Give the oldest kept input to a wait that takes it; tell whether one was given."""
    for index, input in enumerate(draft.backlog):
        found = candidates(draft, input, (), ())
        if found:
            draft.backlog = draft.backlog[:index] + draft.backlog[index + 1 :]
            event = InputReceived(draft.at, input)
            return not (give(draft, found[0], input) if len(found) == 1 else _groups.decide(draft, found, event))
    return False


def owe(draft: Draft, cursor: Cursor, owed: Owed) -> None:
    """Queue user code for a cursor."""
    draft.put(replace(cursor, owed=(*cursor.owed, owed)))


def refuse(draft: Draft, cursor: Cursor, owed: Owed, reason: str) -> None:
    """Handle an answer that did not parse: count it, reply, and keep waiting, unless that was one too many."""
    spec, wait = draft.spec(cursor), cursor.wait
    if spec is None or wait is None:
        return _failures.failed(draft, cursor, owed, "refused_without_wait", reason)
    wait = replace(wait, refused=wait.refused + 1)
    cursor = replace(cursor, wait=wait)
    draft.put(cursor)
    if spec.attempts and wait.refused >= spec.attempts:
        if spec.on_exhausted is not None:
            return _navigation.onward(draft, cursor, spec.on_exhausted)
        return _failures.failed(draft, close_wait(draft, cursor), owed, "attempts_exhausted", reason, retry=False)
    if wait.expired:
        return expire(draft, cursor)
    if spec.retry_handler:
        return owe(draft, cursor, Owed("retry", cursor.step, draft.fresh(), since=draft.at, input=owed.input, reason=reason))
    reply_refusal(draft, cursor, spec, reason)
    return None


def reply_refusal(draft: Draft, cursor: Cursor, spec: WaitSpec, reason: str) -> None:
    """Say why an answer was not taken, in the author's words if there are any."""
    reply = spec.retry
    if reply is None:
        draft.say(Message(reason))
    else:
        draft.say(bound_to(draft, cursor, replace(reply, text=reply.text.replace("{reason}", reason))))


def timer_due(draft: Draft, timer: Timer, cursor: Cursor) -> None:
    """Handle a timer that belongs to a wait."""
    wait, spec = cursor.wait, draft.spec(cursor)
    if wait is None or spec is None:
        return
    if timer.kind == "gather":
        first = wait.gathered[0]
        whole = first if len(wait.gathered) == 1 else replace(first, items=wait.gathered)
        draft.put(replace(cursor, wait=replace(wait, gathered=())))
        owe(draft, draft.cursors[cursor.id], Owed("input", cursor.step, draft.fresh(), since=draft.at, input=whole))
    elif timer.kind == "remind":
        _remind(draft, timer, cursor, spec)
    elif cursor.owed or wait.gathered:
        draft.put(replace(cursor, wait=replace(wait, expired=True)))
    else:
        expire(draft, cursor)


def _remind(draft: Draft, timer: Timer, cursor: Cursor, spec: WaitSpec) -> None:
    if cursor.owed or timer.index >= len(spec.remind):
        return
    message = spec.remind[timer.index].message
    step = draft.step(cursor.step)
    if message is None and step is not None and step.question is not None:
        message = step.question.message
    if message is not None:
        draft.say(bound_to(draft, cursor, message))
    else:
        draft.notice("again")


def expire(draft: Draft, cursor: Cursor) -> None:
    """End a wait whose time is over, in the way its author chose."""
    spec, wait = draft.spec(cursor), cursor.wait
    if spec is None or wait is None:
        return
    draft.hops = 0
    cursor = close_wait(draft, cursor)
    draft.put(cursor)
    owed = Owed("timeout", cursor.step, draft.fresh(), since=draft.at, label=wait.label)
    chosen = spec.on_timeout
    if chosen.then == "step" and chosen.to is not None:
        _navigation.onward(draft, cursor, chosen.to)
    elif chosen.then == "cancel":
        _failures.expired(draft, "timeout")
    elif chosen.then == "handler" or "timeout" in draft.flow.hooks:
        owe(draft, cursor, owed)
    else:
        _failures.failed(draft, cursor, owed, "timeout", f"no answer to {wait.label!r} in time", retry=False)

