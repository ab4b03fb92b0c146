"""Parallel groups in a conversation: opening, choosing a branch, completing, joining, reopening."""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace

from turnflow.core import _failures, _navigation, _waits
from turnflow.core._draft import NULL, Draft, bind
from turnflow.core.definition import HandlerStep, ParallelGroup
from turnflow.core.events import InputReceived
from turnflow.core.ids import CursorId, GroupId, StepName, TimerId
from turnflow.core.inputs import Input
from turnflow.core.messages import Button, Message
from turnflow.core.state import Branch, Cursor, OpenGroup, Owed, Timer, Wait

DONE_MARK = "\u2713 "
"""Stands before the name of a completed branch in the menu."""


def open_group(draft: Draft, cursor: Cursor, focus_on: StepName | None = None) -> None:
    """Enter all branches in listed order; the cursor stays on the start step until the join."""
    definition = draft.flow.groups[cursor.step]
    id = GroupId(draft.fresh())
    branches = tuple(Branch(head, CursorId(draft.fresh())) for head in definition.branches)
    draft.put(replace(cursor, opened=id, owed=(), wait=None))
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
    show_menu(draft, id)


def _begin(draft: Draft, group: GroupId, branch: Branch) -> None:
    if branch.cursor is not None and group in draft.groups:
        cursor = Cursor(branch.cursor, StepName(""), group, branch.head)
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
            _drop(draft, draft.cursors[branch.cursor])
    parent = draft.cursors.get(group.parent)
    if parent is not None and parent.opened == id:
        draft.put(replace(parent, opened=None))


def _drop(draft: Draft, cursor: Cursor) -> None:
    draft.clear_timers(cursor.id)
    if cursor.opened is not None:
        close(draft, cursor.opened)
    if cursor.call is not None:
        _failures.abandon(draft, cursor.call.child)
    if cursor.owed and draft.inflight == _failures.call_key(draft, cursor.owed[0]):
        draft.inflight = None
    draft.cursors.pop(cursor.id, None)


def onward(draft: Draft, cursor: Cursor, name: StepName) -> bool:
    """`next` inside a branch: to the join or another branch's head it completes this one; else the branch goes on."""
    found = _of(draft, cursor)
    if found is None:
        return False
    group, definition = found
    if name == definition.join:
        complete(draft, cursor, None)
    elif name != cursor.head and name in definition.branches:
        complete(draft, cursor, None, focus_on=name)
    else:
        return False
    return True


def jump(draft: Draft, cursor: Cursor, name: StepName) -> bool:
    """`goto` inside a branch: to another branch it moves the attention; out of the group it cancels the others."""
    found = _of(draft, cursor)
    if found is None:
        return False
    group, definition = found
    if name != cursor.head and name in definition.branches:
        _navigation.repeat(draft, cursor)
        choose(draft, draft.groups[group.id], name)
        return True
    if name in _inside(draft, definition) or any(name in c.history for c in draft.cursors.values() if c.group == group.id):
        return False
    parent = draft.cursors[group.parent]
    close(draft, group.id)
    parent = replace(draft.cursors[parent.id], opened=None)
    draft.put(parent)
    _navigation.jump(draft, parent, name)
    return True


def complete(draft: Draft, cursor: Cursor, result: Raw | None, focus_on: StepName | None = None) -> None:
    """Complete a branch; the last one needed runs the join, once."""
    found = _of(draft, cursor)
    if found is None:
        return
    group, definition = found
    draft.results = {**draft.results, cursor.head: NULL if result is None else result}
    leaving = _leaving(draft, cursor)
    _drop(draft, cursor)
    branches = tuple(Branch(b.head) if b.head == cursor.head else b for b in group.branches)
    focus_now = group.focus if group.focus != cursor.head else None
    draft.groups[group.id] = replace(group, branches=branches, focus=focus_now)
    done = sum(1 for branch in branches if branch.cursor is None)
    if leaving is not None:
        _waits.owe(draft, draft.cursors[group.parent], leaving)
    if done >= (definition.need or len(branches)):
        join(draft, draft.groups[group.id])
    elif focus_on is not None:
        choose(draft, draft.groups[group.id], focus_on)


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


def decide(draft: Draft, found: list[Cursor], event: InputReceived) -> str:
    """Choose between several waits: the only one the answer parses for, else the focused branch, else ask which."""
    if event.fits is not None:
        fitting = [cursor for cursor in found if cursor.id in event.fits]
        if len(fitting) == 1:
            return _waits.give(draft, fitting[0], event.input)
        found = fitting or found
    for cursor in found:
        group = draft.groups.get(cursor.group) if cursor.group is not None else None
        if group is not None and group.focus == cursor.head:
            return _waits.give(draft, cursor, event.input)
    for cursor in found:
        if cursor.group is not None:
            draft.groups[cursor.group] = replace(draft.groups[cursor.group], undecided=event.input)
            show_menu(draft, cursor.group)
            return ""
    return _waits.give(draft, found[0], event.input)


def focus(draft: Draft, cursor: Cursor) -> None:
    """Give a branch, and the branches it is nested in, the attention of the conversation."""
    current: Cursor | None = cursor
    while current is not None and current.group is not None:
        group = draft.groups[current.group]
        draft.groups[group.id] = replace(group, focus=current.head, menu=None, undecided=None)
        current = draft.cursors.get(group.parent)


def back_to_menu(draft: Draft, cursor: Cursor) -> None:
    """Back on a branch's first step: its question stays open, and the person chooses a branch."""
    if cursor.group is None:
        return
    if cursor.wait is None:
        _navigation.repeat(draft, cursor)
    draft.groups[cursor.group] = replace(draft.groups[cursor.group], focus=None)
    show_menu(draft, cursor.group)


def show_menu(draft: Draft, id: GroupId) -> None:
    """Ask which branch; the author's own text comes from the definition or from a handler."""
    group = draft.groups[id]
    definition = draft.flow.groups[group.name]
    if definition.menu_handler:
        parent = draft.cursors[group.parent]
        if not any(owed.phase == "menu" for owed in parent.owed):
            _waits.owe(draft, parent, Owed("menu", group.name, draft.fresh(), since=draft.at))
        return
    say_menu(draft, group, definition.menu)


def say_menu(draft: Draft, group: OpenGroup, message: Message | None) -> None:
    """Say the menu with a button per branch: open ones, completed ones that may be redone, and going on if reopened."""
    definition = draft.flow.groups[group.name]
    rows: list[list[Button]] = []
    for branch in group.branches:
        if branch.cursor is not None:
            rows.append([Button(_title(draft, branch.head), branch.head)])
        elif definition.redo:
            rows.append([Button(DONE_MARK + _title(draft, branch.head), branch.head)])
    if _may_go_on(group, definition):
        rows.append([Button("\u2192", definition.join)])
    nonce = draft.nonce()
    options: list[str] = []
    text = message.text if message is not None else ""
    said = bind(Message(text, rows, message.media if message is not None else ()), nonce, options)
    if message is None:
        draft.notice("menu", said)
    else:
        draft.say(said)
    menu = Wait("menu", nonce, draft.at, options=tuple(options))
    draft.groups[group.id] = replace(group, menu=menu)
    draft.hops = 0


def _may_go_on(group: OpenGroup, definition: ParallelGroup) -> bool:
    complete_ones = sum(1 for branch in group.branches if branch.cursor is None)
    return group.reopened and complete_ones >= (definition.need or len(group.branches))


def menu_choice(draft: Draft, input: Input) -> tuple[OpenGroup, str] | None:
    """Tell whether a text names a branch of an open menu (by its step, its title or its button)."""
    if input.kind != "text":
        return None
    wanted = input.text.strip().casefold()
    for group in draft.groups.values():
        if group.menu is None:
            continue
        for branch in group.branches:
            title = _title(draft, branch.head)
            if wanted in (branch.head.casefold(), title.casefold(), (DONE_MARK + title).casefold()):
                return group, branch.head
        if wanted == "\u2192":
            return group, draft.flow.groups[group.name].join
    return None


def choose(draft: Draft, group: OpenGroup, value: str) -> None:
    """Give a branch the attention; redo it if it was complete; hand it the input that waited for this choice."""
    definition = draft.flow.groups[group.name]
    undecided = group.undecided
    group = replace(group, menu=None, undecided=None)
    draft.groups[group.id] = group
    draft.hops = 0
    if value == definition.join and _may_go_on(group, definition):
        return join(draft, group)
    branch = next((branch for branch in group.branches if branch.head == value), None)
    if branch is None or (branch.cursor is None and not definition.redo):
        return show_menu(draft, group.id)
    if branch.cursor is None:
        branch = Branch(branch.head, CursorId(draft.fresh()))
        branches = tuple(branch if b.head == branch.head else b for b in group.branches)
        draft.groups[group.id] = replace(group, branches=branches, focus=branch.head)
        return _begin(draft, group.id, branch)
    draft.groups[group.id] = replace(group, focus=branch.head)
    cursor = draft.cursors[branch.cursor]
    if cursor.owed or cursor.wait is None:
        return None
    spec = draft.spec(cursor)
    if undecided is not None and spec is not None and _waits.takes(spec.accepts, undecided, ()):
        _waits.give(draft, cursor, undecided)
        return None
    return _navigation.repeat(draft, cursor)


def timed_out(draft: Draft, id: GroupId) -> None:
    """Leave a group whose time is over; results so far are kept."""
    group = draft.groups[id]
    definition = draft.flow.groups[group.name]
    close(draft, id)
    parent = draft.cursors[group.parent]
    if definition.on_timeout is not None:
        return _navigation.onward(draft, parent, definition.on_timeout)
    owed = Owed("timeout", parent.step, draft.fresh(), since=draft.at, label=group.name)
    return _failures.failed(draft, parent, owed, "timeout", f"group {group.name!r} was not complete in time", retry=False)


def _of(draft: Draft, cursor: Cursor) -> tuple[OpenGroup, ParallelGroup] | None:
    group = draft.groups.get(cursor.group) if cursor.group is not None else None
    return (group, draft.flow.groups[group.name]) if group is not None else None


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


def _title(draft: Draft, name: StepName) -> str:
    step = draft.step(name)
    return step.title or name if step is not None else name

