"""How far a parallel group has come: for handlers, and for anybody else who has the run's state."""

from __future__ import annotations

from typing import NamedTuple

from turnflow.core.definition import Flow, ParallelGroup
from turnflow.core.state import Cursor, OpenGroup, RunState


class Progress(NamedTuple):
    """Branches of the group in question; all zero if the flow has no parallel group."""

    completed: int
    total: int

    @property
    def pending(self) -> int:
        """Number of branches still open."""
        return self.total - self.completed

    def text(self) -> str:
        """Return for instance `2/3`."""
        return f"{self.completed}/{self.total}"


def progress_of(flow: Flow, state: RunState, cursor: Cursor | None = None) -> Progress:
    """Return the progress of the group the cursor belongs to, else of the newest open one, else of the last one joined."""
    if found := _open_group(state, cursor):
        return Progress(sum(branch.cursor is None for branch in found.branches), len(found.branches))
    if group := _closed_group(flow, state, cursor):
        return Progress(sum(head in state.results for head in group.branches), len(group.branches))
    return Progress(0, 0)


def _open_group(state: RunState, cursor: Cursor | None) -> OpenGroup | None:
    if not state.groups:
        return None
    wanted = None if cursor is None else cursor.group if cursor.group is not None else cursor.opened
    return next((group for group in state.groups if group.id == wanted), state.groups[-1])


def _closed_group(flow: Flow, state: RunState, cursor: Cursor | None) -> ParallelGroup | None:
    groups = list(flow.groups.values())
    here = [group for group in groups if cursor is not None and cursor.step in (group.join, group.name)]
    joined = [group for group in groups if any(head in state.results for head in group.branches)]
    return next(iter([*here, *joined, *groups]), None)
