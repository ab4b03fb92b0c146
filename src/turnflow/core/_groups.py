"""Parallel groups in a conversation: opening, completing, joining, redoing, reopening, leaving."""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace

from turnflow.core import _clearing, _failures, _menu, _navigation
from turnflow.core._draft import NULL, Draft
from turnflow.core.definition import HandlerStep, ParallelGroup
from turnflow.core.ids import CursorId, GroupId, StepName, TimerId
from turnflow.core.state import Branch, Cursor, OpenGroup, Owed, Timer


def open_group(draft: Draft, cursor: Cursor, focus_on: StepName | None = None) -> None:
    """Enter all branches in listed order; the cursor stays on the start step until the join."""
    definition = draft.flow.groups[cursor.step]
    id = GroupId(draft.fresh())
    branches = tuple(Branch(head, CursorId(draft.fresh())) for head in definition.branches)
    draft.put(replace(cursor, opened=id, owed=(), wait=None))
    draft.results = {head: value for head, value in draft.results.items() if head not in definition.branches}
    draft.groups[id] = OpenGroup(id, cursor.step, cursor.id, branches, focus=focus_on)
    if definition.timeout is not None:
        draft.set_timer(Timer(TimerId(f"p{id}"), "group", draft.at + definition.timeout, None, id))
    for branch in branches:
        _begin(draft, id, branch)


def reopen(draft: Draft, cursor: Cursor, name: StepName, history: tuple[StepName, ...]) -> None:
    """Back from the join: open the group again with its results kept; complete branches stay complete."""
    definition = draft.flow.groups[name]
    draft.clear_timers(cursor.id)
    leaving = _leaving(draft, cursor)
    id = GroupId(draft.fresh())
    branches = tuple(
        Branch(head, None if head in draft.results else CursorId(draft.fresh())) for head in definition.branches
    )
    owed = () if leaving is None else (leaving,)
    draft.put(Cursor(cursor.id, name, cursor.group, cursor.head, history, owed=owed, opened=id))
    draft.groups[id] = OpenGroup(id, name, cursor.id, branches, reopened=True)
    if definition.timeout is not None:
        draft.set_timer(Timer(TimerId(f"p{id}"), "group", draft.at + definition.timeout, None, id))
    for branch in branches:
        if branch.cursor is not None:
            _begin(draft, id, branch)
    if id in draft.groups:
        _menu.show_menu(draft, id)


def redo(draft: Draft, group: OpenGroup, head: StepName) -> None:
    """Begin a complete branch again; its result stays until a new one replaces it."""
    again = Branch(head, CursorId(draft.fresh()))
    branches = tuple(again if branch.head == head else branch for branch in group.branches)
    draft.groups[group.id] = replace(group, branches=branches)
    _begin(draft, group.id, again)


def _begin(draft: Draft, group: GroupId, branch: Branch) -> None:
    if branch.cursor is not None and group in draft.groups:
        parent = draft.cursors[draft.groups[group].parent]
        cursor = Cursor(
            branch.cursor, StepName(""), group, branch.head, prefix=parent.prefix, last=parent.last, error=parent.error
        )
        draft.put(cursor)
        _navigation.enter(draft, cursor, branch.head, ())


def close(draft: Draft, id: GroupId) -> None:
    """Drop a group with everything below it; children that its branches wait for are forgotten by the caller's rules."""
    group = draft.groups.pop(id, None)
    if group is None:
        return
    draft.clear_timers(group=id)
    for branch in group.branches:
        if branch.cursor is not None and branch.cursor in draft.cursors:
            _clearing.drop(draft, draft.cursors[branch.cursor])
    parent = draft.cursors.get(group.parent)
    if parent is not None and parent.opened == id:
        draft.put(replace(parent, opened=None))


def onward(draft: Draft, cursor: Cursor, group: OpenGroup, name: StepName) -> bool:
    """`next` inside a branch: to the join or another branch's head it completes this one; else the branch goes on."""
    definition = draft.flow.groups[group.name]
    if name == definition.join:
        complete(draft, cursor, group, None)
    elif name != cursor.head and name in definition.branches:
        complete(draft, cursor, group, None, focus_on=name)
    else:
        return False
    return True


def jump(draft: Draft, cursor: Cursor, group: OpenGroup, name: StepName) -> bool:
    """`goto` inside a branch: to another branch it moves the attention; out of the group it cancels the others."""
    definition = draft.flow.groups[group.name]
    if name != cursor.head and name in definition.branches:
        if cursor.wait is None:
            _navigation.repeat(draft, cursor)
        if group.id in draft.groups:
            _menu.choose(draft, draft.groups[group.id], name)
        return True
    if name in _inside(draft, definition) or any(
        name in c.history for c in draft.cursors.values() if c.group == group.id
    ):
        return False
    close(draft, group.id)
    _navigation.jump(draft, draft.cursors[group.parent], name)
    return True


def complete(
    draft: Draft, cursor: Cursor, group: OpenGroup, result: Raw | None, *, focus_on: StepName | None = None
) -> None:
    """Complete a branch; the last one needed runs the join, once."""
    definition = draft.flow.groups[group.name]
    draft.results = {**draft.results, cursor.head: NULL if result is None else result}
    leaving = _leaving(draft, cursor)
    _clearing.drop(draft, cursor)
    branches = tuple(Branch(b.head) if b.head == cursor.head else b for b in group.branches)
    focus_now = group.focus if group.focus != cursor.head else None
    draft.groups[group.id] = replace(group, branches=branches, focus=focus_now)
    done = sum(1 for branch in branches if branch.cursor is None)
    if leaving is not None:
        draft.owe(draft.cursors[group.parent], leaving)
    if done >= (definition.need or len(branches)):
        join(draft, draft.groups[group.id])
    elif focus_on is not None and any(branch.head == focus_on and branch.cursor is not None for branch in branches):
        _menu.choose(draft, draft.groups[group.id], focus_on)
    elif focus_on is not None:
        _menu.show_menu(draft, group.id)


def _leaving(draft: Draft, cursor: Cursor) -> Owed | None:
    if "step_leave" not in draft.flow.hooks:
        return None
    return Owed("hook", cursor.step, draft.fresh(), since=draft.at, hook="step_leave")


def join(draft: Draft, group: OpenGroup) -> None:
    """Close the group and enter the join step; the group is one entry of the history there."""
    definition = draft.flow.groups[group.name]
    close(draft, group.id)
    parent = draft.cursors[group.parent]
    hooks = parent.owed
    _navigation.onward(draft, replace(parent, owed=()), definition.join)
    if hooks and parent.id in draft.cursors:
        now = draft.cursors[parent.id]
        draft.put(replace(now, owed=(*hooks, *now.owed)))


def focus(draft: Draft, cursor: Cursor) -> None:
    """Give a branch, and the branches it is nested in, the attention of the conversation."""
    current: Cursor | None = cursor
    while current is not None and current.group is not None:
        group = draft.groups[current.group]
        draft.groups[group.id] = replace(group, focus=current.head, menu=None, undecided=(), takers=())
        current = draft.cursors.get(group.parent)


def back_to_menu(draft: Draft, cursor: Cursor, id: GroupId) -> None:
    """Back on a branch's first step: its question stays open, and the person chooses a branch."""
    if cursor.wait is None:
        _navigation.repeat(draft, cursor)
    if id in draft.groups:
        draft.groups[id] = replace(draft.groups[id], focus=None)
        _menu.show_menu(draft, id)


def timed_out(draft: Draft, id: GroupId) -> None:
    """Leave a group whose time is over; results so far are kept."""
    group = draft.groups[id]
    definition = draft.flow.groups[group.name]
    close(draft, id)
    parent = draft.cursors[group.parent]
    if definition.on_timeout is not None:
        return _navigation.onward(draft, parent, definition.on_timeout)
    owed = Owed("timeout", parent.step, draft.fresh(), since=draft.at, label=group.name)
    if "timeout" in draft.flow.hooks:
        return draft.owe(parent, owed)
    return _failures.failed(
        draft, parent, owed, "timeout", f"group {group.name!r} was not complete in time", retry=False
    )


def _inside(draft: Draft, definition: ParallelGroup) -> set[StepName]:
    """Return the steps that declared edges reach from the branches without passing the join."""
    inside: set[StepName] = set()
    todo = list(definition.branches)
    while todo:
        name = todo.pop()
        step: HandlerStep | None = draft.step(name)
        if name in inside or name == definition.join or step is None:
            continue
        inside.add(name)
        todo.extend(output.to for output in step.outputs)
    return inside
