"""What comes from beside the conversation: operators, halts and going on, and a trigger that is repeated."""

from __future__ import annotations

from msgspec.structs import replace

from turnflow.core import _children, _clearing, _failures, _inputs, _menu, _navigation, _resumption, _work
from turnflow.core._draft import Draft, encoded
from turnflow.core.effects import ClearTimer
from turnflow.core.events import CancelRequested, InputSetAside, OperatorAnswered
from turnflow.core.ids import StepName
from turnflow.core.messages import Message
from turnflow.core.state import Cursor, Ending

# Each function changes the draft and returns "" if the event counts, else why it does not.


def cancel(draft: Draft, event: CancelRequested) -> str:
    """Begin to end the run, whatever it is doing."""
    if draft.leaving:
        return "ending"
    _unhalt(draft)
    _children.forget(draft)
    _failures.end(draft, Ending("cancelled", reason=event.reason, by=event.by, said=not event.notify))
    return ""


def move(draft: Draft, step: StepName) -> str:
    """Put the run onto a step, dropping everything it was doing."""
    if draft.leaving:
        return "ending"
    if refusal := _resumption.unreachable(draft, step):
        return refusal
    _unhalt(draft)
    _children.forget(draft)
    draft.inflight = None
    main = draft.cursors.get(_failures.MAIN) or Cursor(_failures.MAIN, draft.flow.start)
    for id in list(draft.cursors):
        if id in draft.cursors:  # those inside of groups go with the cursor on the group
            _clearing.drop(draft, draft.cursors[id])
    draft.groups, draft.frames, draft.fell = {}, {}, None
    main = replace(main, owed=(), call=None, escalation=None, opened=None, wait=None, job=None)
    draft.put(main)
    _navigation.enter(draft, main, step, ())
    return ""


def operator(draft: Draft, event: OperatorAnswered) -> str:
    """Let an operator speak to an escalated run, and let that go on."""
    if draft.halted:
        return draft.status
    cursor = next((cursor for cursor in draft.cursors.values() if cursor.escalation is not None), None)
    if cursor is None or cursor.escalation is None:
        return "not_escalated"
    if event.text:
        draft.say(Message(event.text))
    if event.ends:
        then = cursor.escalation.then
        cursor = replace(cursor, escalation=None)
        draft.put(cursor)
        _inputs.not_idle(draft)
        if then is None:
            _navigation.repeat(draft, cursor)
        else:
            _navigation.onward(draft, cursor, then, encoded(event.text))
    return ""


def block(draft: Draft, reason: str, *, notify: bool = True) -> str:
    """Halt a run that the code at hand does not fit; it keeps everything."""
    if draft.leaving:
        return "ending"
    if draft.status == "blocked" and draft.reason == reason:
        return "blocked"
    draft.status, draft.reason, draft.inflight = "blocked", reason, None
    if notify:
        draft.notice("blocked")
    return ""


def set_aside(draft: Draft, event: InputSetAside) -> str:
    """Halt a run that ended the process too often; of a run that is ending, only give up the clean-up that does it."""
    if event.input is not None:
        draft.answer_press(event.input, "stuck")
        draft.backlog = (event.input, *draft.backlog)
    if draft.leaving:
        if event.input is None:
            draft.inflight = None
            main = draft.cursors[_failures.MAIN]
            draft.put(replace(main, owed=main.owed[1:]))
        return ""
    if draft.status != "blocked":
        draft.status, draft.reason, draft.inflight = "stuck", event.reason, None
    draft.notice(draft.status if draft.status == "blocked" else "stuck")
    return ""


def retry(draft: Draft, step: StepName) -> str:
    """Let a stuck run go on, or resume a failed one: where it stands or failed, or on a step."""
    if draft.status == "failed" and step:
        return _resumption.begin_again(draft, step)
    if draft.status == "stuck" and step:
        return move(draft, step)
    if draft.fell is not None and draft.status == "failed":
        return _resumption.resume(draft, draft.fell)
    if draft.status != "stuck":
        return "not_stuck"
    go_on(draft)
    return ""


def go_on(draft: Draft) -> None:
    """End a halt: everything that happened meanwhile counts now. A run that was paused before is paused again."""
    if draft.paused and draft.status != "paused":
        draft.status, draft.reason = "paused", ""
        return
    _unhalt(draft)
    _children.take_note(draft)
    if not draft.leaving:
        _work.take_note(draft)


def pause(draft: Draft) -> str:
    """Let the run stand still; what it has going on outside comes to its end and is kept."""
    if draft.leaving:
        return "ending"
    if draft.halted:
        return draft.status
    draft.status, draft.paused, draft.inflight = "paused", draft.at, None
    for timer in draft.timers.values():
        draft.effects.append(ClearTimer(draft.key(), timer.id))
    return ""


def unpause(draft: Draft) -> str:
    """Let a paused run go on; its timers have as much time left as they had."""
    if draft.status != "paused":
        return "not_paused"
    go_on(draft)
    return ""


def _unhalt(draft: Draft) -> None:
    if draft.halted:
        shift = draft.at - draft.paused if draft.paused else 0
        draft.status, draft.reason, draft.paused = "running", "", 0
        for timer in list(draft.timers.values()):
            draft.set_timer(replace(timer, due=timer.due + shift))  # some fired meanwhile and are gone from the store
        for cursor in list(draft.cursors.values()):
            if shift and cursor.job is not None:  # its time stood still as well
                draft.put(replace(cursor, job=replace(cursor.job, since=cursor.job.since + shift)))


def ask_again(draft: Draft) -> str:
    """Repeat what the run last asked: its menu, else the question that has the focus, else all open ones."""
    if draft.status == "blocked" or draft.status == "stuck":
        draft.notice(draft.status)
        return ""
    asked = False
    for cursor in draft.cursors.values():
        if cursor.escalation is not None:
            draft.notice("escalated")
            asked = True
    menus = [group.id for group in draft.groups.values() if group.menu is not None]
    for group in menus:
        _menu.show_menu(draft, group)
    open_ones = [c for c in draft.cursors.values() if c.wait is not None and not c.owed and not c.wait.gathered]
    attended = [cursor for cursor in open_ones if _menu.is_attended(draft, cursor)]
    for cursor in [] if menus else attended or open_ones:
        _navigation.repeat(draft, cursor)
    return "" if asked or menus or open_ones else "busy"
