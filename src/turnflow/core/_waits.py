"""Waits: opening and closing them, answers that do not parse, and what happens when their time is over."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from turnflow.core import _failures, _navigation
from turnflow.core._buttons import bind
from turnflow.core._draft import Draft, bound_to
from turnflow.core.definition import WaitSpec
from turnflow.core.ids import TimerId
from turnflow.core.messages import Message
from turnflow.core.state import Cursor, Owed, Timer, Wait


def open_wait(draft: Draft, cursor: Cursor, label: str, spec: WaitSpec, own: bool, messages: Sequence[Message]) -> None:
    """Say `messages` and park the cursor. `own`: the spec is the question of the step and need not be stored."""
    nonce = draft.nonce()
    serial = draft.serial
    options: list[str] = []
    for message in messages:
        draft.say(bind(message, nonce, options) if message.buttons else message)
    wait = Wait(label, nonce, draft.at, None if own else spec, options=tuple(options))
    draft.put(replace(cursor, wait=wait))
    if spec.timeout is not None:
        draft.set_timer(Timer(TimerId(f"w{serial}"), "wait", draft.at + spec.timeout, cursor.id))
    for index, reminder in enumerate(spec.remind):
        draft.set_timer(
            Timer(TimerId(f"r{serial}.{index}"), "remind", draft.at + reminder.after, cursor.id, None, index)
        )


def close_wait(draft: Draft, cursor: Cursor) -> Cursor:
    """Return the cursor without its wait; the wait's timers are cleared."""
    if cursor.wait is None:
        return cursor
    draft.clear_timers(cursor.id)
    return replace(cursor, wait=None)


def refuse(draft: Draft, cursor: Cursor, owed: Owed, reason: str) -> None:
    """Handle an answer that did not parse: count it, reply, and keep waiting, unless that was one too many."""
    spec, wait = draft.spec(cursor), cursor.wait
    if spec is None or wait is None:
        return _failures.failed(draft, cursor, owed, "refused_without_wait", reason, retry=False)
    wait = replace(wait, refused=wait.refused + 1)
    cursor = replace(cursor, wait=wait)
    draft.put(cursor)
    if 0 < spec.attempts <= wait.refused:
        if spec.on_exhausted is not None:
            return _navigation.onward(draft, cursor, spec.on_exhausted)
        return _failures.failed(draft, close_wait(draft, cursor), owed, "attempts_exhausted", reason, retry=False)
    if wait.expired:
        return expire(draft, cursor)
    if spec.retry_handler:
        return draft.owe(
            cursor, Owed("retry", cursor.step, draft.fresh(), since=draft.at, input=owed.input, reason=reason)
        )
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
        draft.owe(draft.cursors[cursor.id], Owed("input", cursor.step, draft.fresh(), since=draft.at, input=whole))
    elif timer.kind == "remind":
        _remind(draft, timer, cursor, spec)
    elif cursor.owed or wait.gathered:
        draft.put(replace(cursor, wait=replace(wait, expired=True)))
    else:
        expire(draft, cursor)


def _remind(draft: Draft, timer: Timer, cursor: Cursor, spec: WaitSpec) -> None:
    wait = cursor.wait
    if cursor.owed or wait is None or wait.gathered or timer.index >= len(spec.remind):
        return
    message = spec.remind[timer.index].message
    step = draft.step(cursor.step)
    question = step.question if step is not None and wait.spec is None else None
    if message is None and question is not None:
        message = question.message
    if message is not None:
        draft.say(bound_to(draft, cursor, message))
    elif question is not None:
        draft.owe(cursor, Owed("ask", cursor.step, draft.fresh(), since=draft.at))
    else:
        draft.notice("again")


def expire(draft: Draft, cursor: Cursor) -> None:
    """End a wait whose time is over, in the way its author chose."""
    spec, wait = draft.spec(cursor), cursor.wait
    if spec is None or wait is None:
        return
    cursor = close_wait(draft, cursor)
    draft.put(cursor)
    owed = Owed("timeout", cursor.step, draft.fresh(), since=draft.at, label=wait.label)
    chosen = spec.on_timeout
    if chosen.then == "step" and chosen.to is not None:
        _navigation.onward(draft, cursor, chosen.to)
    elif chosen.then == "cancel":
        _failures.expired(draft, "timeout")
    elif chosen.then == "handler" or "timeout" in draft.flow.hooks:
        draft.owe(cursor, owed)
    else:
        _failures.failed(draft, cursor, owed, "timeout", f"no answer to {wait.label!r} in time", retry=False)
