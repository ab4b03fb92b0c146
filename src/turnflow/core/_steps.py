"""Steps at work: what an answer of user code means, and which user code is due next."""

from __future__ import annotations

from typing import assert_never

from msgspec import Raw
from msgspec.structs import replace

from turnflow.core import _children, _failures, _falls, _groups, _inputs, _menu, _navigation, _nodes, _waits
from turnflow.core._draft import Draft, bound_to
from turnflow.core.directives import (
    Back,
    CallFlow,
    Cancel,
    Complete,
    Done,
    Escalate,
    Fail,
    Goto,
    Next,
    Park,
    Refuse,
    Repeat,
    Stay,
)
from turnflow.core.effects import RunHandler
from turnflow.core.events import HandlerAnswered, HandlerFailed
from turnflow.core.ids import EffectKey, StepName
from turnflow.core.messages import Message
from turnflow.core.state import Cursor, Ending, Escalation, Failure, Owed


def answered(draft: Draft, event: HandlerAnswered) -> str:
    """Apply what user code answered; "" if it was asked for, else why it is ignored."""
    found = _asked(draft, event.key)
    if found is None:
        return "late"
    cursor, owed = found
    draft.inflight = None
    if event.patch:
        draft.data = {**draft.data, **event.patch}
    scene = cursor.scene if event.scene is None else event.scene
    cursor = replace(cursor, owed=cursor.owed[1:], scene=scene)
    draft.put(cursor)
    match owed.phase:
        case "input" | "enter" | "error" | "timeout":
            if owed.phase == "error" and not isinstance(event.directive, Fail | Stay | Refuse):
                _falls.forget(draft, cursor.id)
            if event.says and not isinstance(event.directive, Park):
                _say(draft, cursor, event.says)
                cursor = draft.cursors[cursor.id]  # its wait may have got answers of buttons
            _follow(draft, cursor, owed, event)
        case "ask":
            step = draft.step(cursor.step)
            question = step.question if step is not None else None
            if cursor.wait is not None:  # a reminder of the question that is open already
                _say(draft, cursor, event.says)
            elif question is None:
                _failures.failed(
                    draft, cursor, owed, "no_question", f"step {cursor.step!r} has no question", retry=False
                )
            else:
                _waits.open_wait(draft, cursor, cursor.step, question.wait, True, event.says)
        case "menu":
            group = draft.groups.get(cursor.opened) if cursor.opened is not None else None
            if group is not None:
                _say(draft, cursor, event.says[:-1])
                _menu.say_menu(draft, group, event.says[-1] if event.says else Message())
        case "hook" | "retry" | "otherwise":
            _say(draft, cursor, event.says)
        case _:
            assert_never(owed.phase)
    if cursor.wait is not None and cursor.wait.expired:
        _overdue(draft, cursor)
    return ""


def raised(draft: Draft, event: HandlerFailed) -> str:
    """Apply a failure of user code; "" if the call was asked for, else why it is ignored."""
    found = _asked(draft, event.key)
    if found is None:
        return "late"
    cursor, owed = found
    draft.inflight = None
    reminds = owed.phase == "ask" and cursor.wait is not None
    if owed.phase not in ("hook", "retry", "otherwise", "menu") and not reminds:
        _failures.failed(draft, cursor, owed, event.code, event.message)
        return ""
    cursor = replace(cursor, owed=cursor.owed[1:])
    draft.put(cursor)
    spec = draft.spec(cursor)
    if owed.phase == "retry" and spec is not None:
        _waits.reply_refusal(draft, cursor, spec, owed.reason)
    elif owed.phase == "otherwise" or reminds:
        draft.notice("again")
    elif owed.phase == "menu" and cursor.opened in draft.groups:
        _menu.say_menu(draft, draft.groups[cursor.opened], None)
    _overdue(draft, cursor)
    return ""


def settle(draft: Draft) -> None:
    """Do all work that needs no user code, then ask for the next piece of user code, if any is due."""
    while True:
        if draft.halted:
            return
        if draft.cancelling is not None:
            draft.status = "waiting"
            return
        if _works(draft):
            draft.status = "running"
            return
        if draft.ending is not None:
            return _failures.finish(draft)
        if draft.backlog and _inputs.drain(draft):
            continue
        if not _stranded(draft):
            draft.status = "running" if _is_at_work(draft) else "waiting"
            return
        cursor = next(iter(draft.cursors.values()), Cursor(_failures.MAIN, draft.flow.start))
        _failures.end_failed(draft, cursor, "stranded", "nothing can ever reach this run again")


def _asked(draft: Draft, key: EffectKey) -> tuple[Cursor, Owed] | None:
    if key != draft.inflight:
        return None
    for cursor in draft.cursors.values():
        if cursor.owed and _failures.call_key(draft, cursor.owed[0]) == key:
            return cursor, cursor.owed[0]
    return None


def _works(draft: Draft) -> bool:
    """Do all owed work that needs no user code, then ask for user code that is due; tell whether some is at work."""
    due = _first_due(draft)
    if draft.inflight is not None and _asked(draft, draft.inflight) is None:
        draft.inflight = None  # what was at work belonged to something that is gone
    if draft.inflight is None and due is not None:
        owed = due.owed[0]
        draft.inflight = _failures.call_key(draft, owed)
        draft.effects.append(RunHandler(draft.inflight, due.id, owed))
    return draft.inflight is not None


def _first_due(draft: Draft) -> Cursor | None:
    """Return the first cursor whose user code is due, once nothing is left that needs none."""
    while True:
        due: Cursor | None = None
        for cursor in draft.cursors.values():
            if not cursor.owed:
                continue
            owed = cursor.owed[0]
            if (owed.phase == "ask" or owed.phase == "enter") and _needs_no_code(draft, cursor, owed):
                break  # it may have changed the cursors
            if due is None and not owed.delayed:
                due = cursor
        else:
            return due


def _needs_no_code(draft: Draft, cursor: Cursor, owed: Owed) -> bool:
    """Do a piece of owed work if it needs no user code; tell whether that was so."""
    if owed.step in draft.flow.nodes and owed.phase == "enter":
        _nodes.begin(draft, cursor, owed.visit)
        return True
    step = draft.step(owed.step)
    if step is None:
        return False
    if owed.phase == "enter" and not step.has_handler and step.name in draft.flow.groups:
        _groups.open_group(draft, cursor)
        return True
    if owed.phase == "ask" and step.question is not None and step.question.message is not None:
        cursor = replace(cursor, owed=cursor.owed[1:])
        draft.put(cursor)
        if cursor.wait is not None:  # a reminder of a question that was computed before a deploy
            _say(draft, cursor, (step.question.message,))
        else:
            _waits.open_wait(draft, cursor, step.name, step.question.wait, True, (step.question.message,))
        return True
    return False


def _is_at_work(draft: Draft) -> bool:
    """Tell whether an action is under way for the run."""
    for cursor in draft.cursors.values():
        job = cursor.job
        if job is not None and not job.delayed and (job.kind == "action" or job.kind == "poll"):
            return True
    return False


def _stranded(draft: Draft) -> bool:
    for cursor in draft.cursors.values():
        if cursor.wait is not None or cursor.owed or cursor.call is not None or cursor.escalation is not None:
            return False
        if cursor.job is not None:
            return False
    return all(group.menu is None for group in draft.groups.values())


def _say(draft: Draft, cursor: Cursor, says: tuple[Message, ...]) -> None:
    for message in says:
        draft.say(bound_to(draft, draft.cursors.get(cursor.id), message))


def _overdue(draft: Draft, cursor: Cursor) -> None:
    """Let a wait expire whose time ran out while an answer to it was being handled."""
    now = draft.cursors.get(cursor.id)
    if now is not None and now.wait is not None and now.wait.expired and not now.owed:
        _waits.expire(draft, now)


def _follow(draft: Draft, cursor: Cursor, owed: Owed, event: HandlerAnswered) -> None:
    said = bool(event.says)
    directive = event.directive
    match directive:
        case Next(step):
            _next(draft, cursor, step)
        case Goto(step):
            _navigation.jump(draft, cursor, step)
        case Back():
            _navigation.back(draft, cursor)
        case Repeat():
            if owed.phase == "error":
                _failures.repeat_failed(draft, cursor, owed)
            else:
                _navigation.repeat(draft, cursor)
        case Park(label, spec):
            _waits.open_wait(draft, _waits.close_wait(draft, cursor), label, spec, False, event.says)
        case Refuse(reason):
            _waits.refuse(draft, cursor, owed, reason)
        case Stay():
            _stay(draft, cursor, owed)
        case Done(result):
            _done(draft, cursor, owed, result)
        case CallFlow():
            _children.call(draft, cursor, owed, directive)
        case Complete(result):
            _failures.end(draft, Ending("completed", result, said=said))
        case Cancel(reason):
            _failures.end(draft, Ending("cancelled", reason=reason, said=said))
        case Fail(code, message):
            if owed.phase == "error" and owed.error is not None:
                failure = Failure(code, message or owed.error.message, cursor.step, owed.attempt)
                _failures.end(draft, Ending("failed", error=failure, said=said))
            else:
                _failures.failed(draft, cursor, owed, code, message, retry=False)
        case Escalate(_, then) if then is not None and not draft.knows(then):
            _navigation.nowhere(draft, cursor, then)
        case Escalate(reason, then):
            draft.put(replace(_waits.close_wait(draft, cursor), escalation=Escalation(reason, draft.at, then)))
            draft.tell_role("operator", Message(f"{draft.state.run} {reason}"))
            if not said:
                draft.notice("escalated")
        case _:
            assert_never(directive)


def _next(draft: Draft, cursor: Cursor, step: StepName) -> None:
    group = draft.flow.groups.get(cursor.step)
    if group is not None and step in group.branches and cursor.opened is None:
        _groups.open_group(draft, _waits.close_wait(draft, cursor), focus_on=step)
    else:
        _navigation.onward(draft, cursor, step)


def _stay(draft: Draft, cursor: Cursor, owed: Owed) -> None:
    if cursor.wait is None:
        message = f"step {cursor.step!r} answered neither with a wait nor with a way on"
        _failures.failed(draft, cursor, owed, "no_answer", message, retry=False)


def _done(draft: Draft, cursor: Cursor, owed: Owed, result: Raw | None) -> None:
    """Complete a branch; on a group's start step open the group; elsewhere take the only declared way on, or end the run."""
    if cursor.step in draft.flow.groups and cursor.opened is None:
        _groups.open_group(draft, _waits.close_wait(draft, cursor))
    elif cursor.group is not None:
        _groups.complete(draft, cursor, draft.groups[cursor.group], result)
    elif draft.flow.is_graph:
        _nodes.finished(draft, _waits.close_wait(draft, cursor), result)
    else:
        step = draft.step(cursor.step)
        ways = [output.to for output in step.outputs if not output.error] if step is not None else []
        if len(ways) == 1:
            _navigation.onward(draft, cursor, ways[0])
        elif not ways:
            _failures.end(draft, Ending("completed", result))
        else:
            message = f"done() in step {cursor.step!r} is ambiguous: it declares {len(ways)} ways on"
            _failures.failed(draft, cursor, owed, "ambiguous_done", message, retry=False)
