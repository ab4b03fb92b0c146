"""Resuming a failed run where it failed, or on a step: what was finished stays, what failed or was cancelled begins again."""

from __future__ import annotations

from msgspec.structs import replace

from turnflow.core import _frames, _moments, _navigation, _work
from turnflow.core._draft import Draft
from turnflow.core.effects import RetryChild
from turnflow.core.graph import structure_of
from turnflow.core.ids import CursorId, StepName, TimerId
from turnflow.core.state import Child, Cursor, Fall, Timer

MAIN = CursorId(0)


def resume(draft: Draft, fell: Fall) -> str:
    """Put a failed run back where it failed. Returns "", as this always counts."""
    stand_up(draft, fell)
    for cursor in fell.cursors:
        if cursor.id in draft.cursors and not draft.leaving:
            _revive(draft, draft.cursors[cursor.id])
    take_up(draft)
    return ""


def take_up(draft: Draft) -> None:
    """Go on with groups that stand between two lanes."""
    for id in list(draft.frames):
        frame = draft.frames.get(id)
        if frame is not None and not frame.active and not draft.leaving:
            _frames.take_up(draft, frame)


def begin_again(draft: Draft, step: StepName) -> str:
    """Put a failed run onto a step; "" if there is such a step, else why it cannot go there."""
    if refusal := unreachable(draft, step):
        return refusal
    stand_up(draft, Fall())
    _navigation.enter(draft, Cursor(MAIN, StepName("")), step, ())
    return ""


def unreachable(draft: Draft, step: StepName) -> str:
    """Return why a run cannot be put onto a step from outside; "" if it can."""
    if draft.step(step) is None and step not in draft.flow.nodes:
        return "unknown_step"
    return "inside_group" if structure_of(draft.flow).group.get(step) is not None else ""


def stand_up(draft: Draft, fell: Fall) -> None:
    """Take back how a run ended, and put its paths where they were; nothing begins yet."""
    draft.fell, draft.ending, draft.cancelling = None, None, None
    draft.status = "running"
    draft.cursors = {cursor.id: cursor for cursor in fell.cursors}
    draft.groups = {group.id: group for group in fell.groups}
    draft.frames = {frame.id: replace(frame, attempt=frame.attempt + 1) for frame in fell.frames}
    _limit(draft)


def _revive(draft: Draft, cursor: Cursor) -> None:
    job = cursor.job
    if cursor.opened is not None:
        return None
    if cursor.call is not None:  # its child is resumed where that failed, and tells how it ends
        draft.children = (*draft.children, Child(cursor.call.child, draft.state.mailbox))
        again = replace(cursor.call, attempt=cursor.call.attempt + 1)
        draft.put(replace(cursor, job=None, call=again))
        node = draft.flow.nodes.get(cursor.step)
        if node is not None and node.settings.timeout is not None:
            draft.set_timer(Timer(TimerId(f"s{again.visit}"), "step", draft.at + node.settings.timeout, cursor.id))
        return draft.effects.append(RetryChild(draft.key(), cursor.call.child))
    if job is not None and job.kind in ("action", "poll"):
        if job.kind == "poll":
            limit = draft.flow.nodes[cursor.step].settings.timeout
            due = draft.at + (limit if limit is not None else _moments.EVENT_WAIT)
            draft.set_timer(Timer(TimerId(f"s{job.visit}"), "step", due, cursor.id))
        anew = replace(job, attempt=job.attempt + 1, since=draft.at, delayed=False, again=True, news=())
        return _work.call_again(draft, cursor, anew)
    if cursor.owed:
        first = replace(cursor.owed[0], attempt=cursor.owed[0].attempt + 1)  # a key of its own
        return draft.put(
            replace(cursor, owed=tuple(replace(owed, delayed=False) for owed in (first, *cursor.owed[1:])))
        )
    return _navigation.enter(draft, replace(cursor, wait=None, job=None), cursor.step, cursor.history, again=True)


def _limit(draft: Draft) -> None:
    """Set the timers of the run and of its groups anew."""
    policies = draft.flow.policies
    if policies.ttl is not None:
        draft.set_timer(Timer(TimerId("ttl"), "ttl", draft.at + policies.ttl))
    if policies.idle is not None:
        draft.set_timer(Timer(TimerId("idle"), "idle", draft.at + policies.idle))
    for frame in draft.frames.values():
        timeout = draft.flow.nodes[frame.name].settings.timeout
        if timeout is not None and not frame.joined:
            draft.set_timer(Timer(TimerId(f"s{frame.visit}"), "step", draft.at + timeout, frame.parent))
