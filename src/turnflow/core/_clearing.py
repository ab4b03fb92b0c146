"""Taking away what is under way: cursors, lanes and groups, with all that they have going on outside."""

from __future__ import annotations

from msgspec.structs import replace

from turnflow.core import _children, _groups, _work
from turnflow.core._draft import Draft
from turnflow.core.effects import CancelAction, Unsubscribe
from turnflow.core.frames import Job, StepResult
from turnflow.core.ids import GroupId
from turnflow.core.state import Cursor


def close_frame(draft: Draft, id: GroupId) -> None:
    """Drop a group with everything below it."""
    if draft.frames.pop(id, None) is not None:
        drop_lanes(draft, id)


def drop(draft: Draft, cursor: Cursor) -> None:
    """Take a cursor away with all it has going on."""
    draft.clear_timers(cursor.id)
    stop(draft, cursor)
    if cursor.opened is not None:
        close_frame(draft, cursor.opened)
        _groups.close(draft, cursor.opened)
    if cursor.call is not None:
        _children.abandon(draft, cursor.call.child)
    draft.cursors.pop(cursor.id, None)


def stop(draft: Draft, cursor: Cursor) -> None:
    """Have what a cursor has going on outside ended, and keep that its step was cancelled."""
    job, call = cursor.job, cursor.call
    frame = draft.frames.get(cursor.opened) if cursor.opened is not None else None
    path = cursor.prefix + cursor.step
    if job is not None:
        stop_job(draft, cursor, job)
        result = StepResult(path, job.visit, "cancelled", attempts=job.attempt, started=job.since, input=job.input)
    elif call is not None and call.visit:
        result = StepResult(path, call.visit, "cancelled", attempts=call.attempt, started=call.since)
    elif frame is not None:
        result = StepResult(path, frame.visit, "cancelled", attempts=frame.attempt, started=frame.since)
    else:
        return
    draft.keep(replace(result, ended=draft.at))


def stop_job(draft: Draft, cursor: Cursor, job: Job) -> None:
    """Have what a step has going on outside ended."""
    if job.kind == "event":
        draft.effects.append(Unsubscribe(draft.key(), _work.job_key(draft, job)))
    elif job.kind != "timer" and not job.delayed:
        draft.effects.append(CancelAction(draft.key(), _work.job_key(draft, job)))


def drop_lanes(draft: Draft, id: GroupId, lane: int | None = None) -> None:
    """Drop what is under way in a group, or in one lane of it, with what it left under way beside itself."""
    for cursor in list(draft.cursors.values()):
        if cursor.frame == id and (lane is None or cursor.lane == lane):
            drop(draft, cursor)
    for frame in list(draft.frames.values()):
        if frame.within == id and (lane is None or frame.lane == lane):
            close_frame(draft, frame.id)
