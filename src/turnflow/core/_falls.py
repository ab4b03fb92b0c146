"""Where a flow graph stood when it failed: noted as it fails, and kept if nobody takes the failure, to be resumed there.

A failure takes things away on its way up: the cursor that failed, and everything in the groups that fail with it. Those are kept
as they were before; the rest of the run goes on while an `on_error` is at work, and is kept as it stands when the run ends.
"""

from __future__ import annotations

from msgspec.structs import replace

from turnflow.core._draft import Draft
from turnflow.core.ids import CursorId
from turnflow.core.state import Cursor, Fall


def note(draft: Draft, cursor: Cursor) -> None:
    """Remember how things stand as a step or a group fails; what becomes of that is decided further up."""
    if draft.flow.is_graph:
        cursors = {**draft.cursors, cursor.id: cursor}
        draft.falling = Fall(
            tuple(_begun_anew(draft, each) for each in cursors.values()),
            tuple(draft.groups.values()),
            tuple(draft.frames.values()),
        )


def keep(draft: Draft, top: Cursor) -> None:
    """Nobody takes the failure that was noted last: keep what it took away. `top`: the cursor outside of all groups."""
    noted = draft.falling
    if noted is None:
        return
    forget(draft, top.id)
    lost = Fall(
        tuple(cursor for cursor in noted.cursors if cursor.id == top.id or cursor.id not in draft.cursors),
        tuple(group for group in noted.groups if group.id not in draft.groups),
        tuple(frame for frame in noted.frames if frame.id not in draft.frames),
    )
    known = draft.fell or Fall()
    draft.fell = Fall(known.cursors + lost.cursors, known.groups + lost.groups, known.frames + lost.frames)


def forget(draft: Draft, top: CursorId) -> None:
    """Somebody has taken the failure of a cursor: drop what was kept of it."""
    fell = draft.fell
    if fell is None:
        return
    gone = {top}
    while True:
        opened = {group.id for group in fell.groups if group.parent in gone}
        opened |= {frame.id for frame in fell.frames if frame.parent in gone}
        more = {cursor.id for cursor in fell.cursors if cursor.frame in opened or cursor.group in opened} | gone
        if more == gone:
            break
        gone = more
    cursors = tuple(cursor for cursor in fell.cursors if cursor.id not in gone)
    groups = tuple(group for group in fell.groups if group.parent not in gone)
    frames = tuple(frame for frame in fell.frames if frame.parent not in gone)
    draft.fell = Fall(cursors, groups, frames) if cursors else None


def complete(draft: Draft) -> None:
    """The run ends with the failure: keep the rest of it, too."""
    fell = draft.fell
    if fell is None:
        return
    cursors = {cursor.id: _begun_anew(draft, cursor) for cursor in draft.cursors.values()}
    cursors |= {cursor.id: cursor for cursor in fell.cursors}
    groups = {**draft.groups, **{group.id: group for group in fell.groups}}
    frames = {**draft.frames, **{frame.id: frame for frame in fell.frames}}
    draft.fell = Fall(tuple(cursors.values()), tuple(groups.values()), tuple(frames.values()))


def _begun_anew(draft: Draft, cursor: Cursor) -> Cursor:
    """Return a cursor without the child that is under way for it: it is cancelled now, and another one is started later."""
    call = cursor.call
    if call is None or not any(child.run == call.child and child.ended is None for child in draft.children):
        return cursor
    return replace(cursor, call=None, job=None)
