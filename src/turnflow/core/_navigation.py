"""Moving a cursor: entering steps, and next, goto, back, repeat on the main path."""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace

from turnflow.core import _failures, _groups, _waits
from turnflow.core._draft import Draft
from turnflow.core.graph import structure_of
from turnflow.core.ids import StepName
from turnflow.core.inputs import Input
from turnflow.core.state import Cursor, Owed, Phase

HOP_LIMIT = 1000
"""Most transitions on one path without a wait or a result; beyond it the run fails instead of spinning."""
HISTORY_LIMIT = 200
"""Steps that Back remembers; the oldest are forgotten first, so that the snapshot stays small."""
NOTHING = Raw(b"{}")


def enter(
    draft: Draft,
    cursor: Cursor,
    name: StepName,
    history: tuple[StepName, ...],
    *,
    again: bool = False,
    result: Raw | None = None,
    first: tuple[Owed, ...] = (),
    trigger: Input | None = None,
) -> None:
    """Put a cursor onto a step: what the old step held is dropped, what the new one needs is queued or said.

    `again` enters the step it already stands on: the scene stays, and it is neither left nor entered for the hooks.
    `first` is queued before everything else; `trigger` is the input that started the run, if this is its first step.
    """
    draft.hops += 1
    if draft.hops > HOP_LIMIT:
        message = f"{HOP_LIMIT} transitions without waiting for anything; the last one went to {name!r}"
        return _failures.end_failed(draft, cursor, "loop_guard", message)
    step = draft.step(name)
    if step is None and name not in draft.flow.nodes:
        return nowhere(draft, cursor, name)
    if draft.timers:
        draft.clear_timers(cursor.id)
    queue = list(first)
    if draft.flow.hooks and not again:
        queue += _crossing(draft, cursor, name)
    question = step.question if step is not None else None
    fresh = Cursor(
        cursor.id,
        step.name if step is not None else name,
        cursor.group,
        cursor.head,
        history if len(history) <= HISTORY_LIMIT else history[-HISTORY_LIMIT:],
        cursor.scene if again else NOTHING,
        result=cursor.result if again else result,
        spoken=cursor.spoken,
        frame=cursor.frame,
        lane=cursor.lane,
        prefix=cursor.prefix,
        last=cursor.last,
        error=cursor.error,
    )
    if question is not None and question.message is not None and not queue:
        return _waits.open_wait(draft, fresh, fresh.step, question.wait, True, (question.message,))
    phase: Phase = "ask" if question is not None else "enter"
    queue.append(Owed(phase, fresh.step, draft.fresh(), since=draft.at, input=trigger))
    draft.put(replace(fresh, owed=tuple(queue)))
    return None


def _crossing(draft: Draft, cursor: Cursor, name: StepName) -> list[Owed]:
    """Return the hooks of leaving a step and entering another."""
    hooks = draft.flow.hooks
    queue: list[Owed] = []
    if "step_leave" in hooks and cursor.step:
        queue.append(Owed("hook", cursor.step, draft.fresh(), since=draft.at, hook="step_leave"))
    if "step_enter" in hooks:
        queue.append(Owed("hook", name, draft.fresh(), since=draft.at, hook="step_enter"))
    return queue


def nowhere(draft: Draft, cursor: Cursor, name: StepName) -> None:
    """Fail the step of a cursor that wants to go to a step which the flow does not have."""
    message = f"the flow has no step {name!r}"
    _failures.failed(draft, cursor, _failures.source(cursor), "unknown_step", message, retry=False)


def onward(draft: Draft, cursor: Cursor, name: StepName, result: Raw | None = None) -> None:
    """`next`: the current step goes onto the history."""
    if draft.flow.is_graph and not _stays(draft, cursor, name):
        return
    if cursor.group is not None and _groups.onward(draft, cursor, draft.groups[cursor.group], name):
        return
    enter(draft, cursor, name, _with_current(draft, cursor), result=result)


def jump(draft: Draft, cursor: Cursor, name: StepName) -> None:
    """`goto`: the history restarts at the target."""
    if draft.flow.is_graph and not _stays(draft, cursor, name):
        return
    if cursor.group is not None and _groups.jump(draft, cursor, draft.groups[cursor.group], name):
        return
    enter(draft, cursor, name, ())


def back(draft: Draft, cursor: Cursor) -> None:
    """`back`: enter the previous step again; on the first one ask it again; on a branch's first step show the menu."""
    history = cursor.history
    while history:
        target, history = history[-1], history[:-1]
        if draft.step(target) is None:
            continue
        group = draft.flow.groups.get(target)
        if group is not None and any(head in draft.results for head in group.branches):
            return _groups.reopen(draft, cursor, target, history)
        return enter(draft, cursor, target, history)
    if cursor.group is not None:
        return _groups.back_to_menu(draft, cursor, cursor.group)
    return enter(draft, cursor, cursor.step, ())


def repeat(draft: Draft, cursor: Cursor) -> None:
    """`repeat`: enter the current step again, keeping its scene and history."""
    enter(draft, cursor, cursor.step, cursor.history, again=True)


def _with_current(draft: Draft, cursor: Cursor) -> tuple[StepName, ...]:
    step = draft.step(cursor.step)
    if step is None or step.routing or step.kind == "say":
        return cursor.history
    return (*cursor.history, cursor.step)


def _stays(draft: Draft, cursor: Cursor, name: StepName) -> bool:
    """Fail a step that would lead out of its group by another way than the group's own outputs."""
    shape = structure_of(draft.flow)
    if name not in shape.group or shape.group[name] == shape.group.get(cursor.step):
        return True
    if cursor.error is not None and cursor.error.code == "leaves_group":  # so does the way that should take the failure
        _failures.end_failed(draft, cursor, "leaves_group", f"no way of step {cursor.step!r} stays in its group")
        return False
    message = f"step {name!r} is outside of the group that {cursor.step!r} is in; let the group lead there"
    _failures.failed(draft, cursor, _failures.source(cursor), "leaves_group", message, retry=False)
    return False
