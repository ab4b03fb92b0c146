"""Timers that fire: whose they are, and whether they still mean anything."""

from __future__ import annotations

from msgspec.structs import replace

from turnflow.core import _failures, _groups, _moments, _waits
from turnflow.core._draft import Draft
from turnflow.core.events import TimerFired


def fired(draft: Draft, event: TimerFired) -> str:
    """Apply a timer; "" if it counts, else why not."""
    timer = draft.timers.get(event.timer)
    if timer is None:
        return "cleared"
    if event.at < timer.due:
        return "early"
    if draft.halted:
        return ""  # it stays among the timers and is set again when the run goes on
    del draft.timers[event.timer]
    idle = draft.flow.policies.idle
    parked = any(cursor.escalation is not None for cursor in draft.cursors.values())
    heard = event.at if parked else event.heard  # who waits for an operator has not gone away
    if timer.kind == "idle" and idle is not None and heard + idle > event.at:
        draft.set_timer(replace(timer, due=heard + idle))
    elif timer.kind in ("ttl", "idle"):
        _failures.expired(draft, timer.kind)
    elif timer.kind == "group":
        if timer.group not in draft.groups:
            return "cleared"
        _groups.timed_out(draft, timer.group)
    else:
        cursor = draft.cursors.get(timer.cursor) if timer.cursor is not None else None
        if cursor is None:
            return "cleared"
        if timer.kind in ("step", "moment") or (timer.kind == "retry" and cursor.job is not None):
            _moments.timer_due(draft, timer, cursor)
        elif timer.kind == "retry":
            owed = tuple(replace(item, delayed=False) for item in cursor.owed)
            draft.put(replace(cursor, owed=owed))
        else:
            _waits.timer_due(draft, timer, cursor)
    return ""
