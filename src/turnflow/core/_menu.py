"""Which branch is meant: the focus of a group, the menu that asks "which one?", and what a choice does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from turnflow.core import _groups, _inputs, _navigation
from turnflow.core._buttons import bind
from turnflow.core._draft import Draft, step_of
from turnflow.core.definition import Flow, ParallelGroup
from turnflow.core.events import InputReceived
from turnflow.core.ids import At, GroupId, StepName
from turnflow.core.inputs import Input
from turnflow.core.messages import Button, Message
from turnflow.core.state import Cursor, OpenGroup, Owed, Wait

DONE_MARK: Final = "\u2713 "
"""Stands before the name of a completed branch in the menu."""
GO_ON: Final = "\u2192"
"""The button that leaves a reopened group as it is."""


def decide(draft: Draft, found: list[Cursor], event: InputReceived) -> str:
    """Choose between several waits: the only one the answer parses for, else the focused branch, else ask which.

    Waits side by side that no group of a conversation holds are not asked about: see `_nearness`.
    """
    if event.fits is not None:
        found = [cursor for cursor in found if cursor.id in event.fits] or found
    if len(found) > 1:
        found = [cursor for cursor in found if is_attended(draft, cursor)] or found
    if len(found) == 1:
        return _inputs.give(draft, found[0], event.input)
    group = _parting(draft, found)
    if group is None:
        return _inputs.give(draft, max(found, key=_nearness), event.input)
    takers = tuple(cursor.id for cursor in found)
    if len(group.undecided) >= _inputs.BACKLOG_LIMIT:
        return "backlog_full"
    draft.groups[group.id] = replace(group, undecided=(*group.undecided, event.input), takers=takers)
    show_menu(draft, group.id)
    return ""


def is_attended(draft: Draft, cursor: Cursor) -> bool:
    """Tell whether no group around a cursor has its focus on another branch."""
    return all(group.focus in (None, head) for group, head in _places(draft, cursor))


def _places(draft: Draft, cursor: Cursor) -> list[tuple[OpenGroup, StepName]]:
    """Return the groups around a cursor, outermost first, each with the branch that the cursor is in."""
    places: list[tuple[OpenGroup, StepName]] = []
    current: Cursor | None = cursor
    while current is not None and current.group is not None:
        group = draft.groups[current.group]
        places.insert(0, (group, current.head))
        current = draft.cursors.get(group.parent)
    return places


def _parting(draft: Draft, found: list[Cursor]) -> OpenGroup | None:
    """Return the outermost group in which several cursors are in different branches; None: they part outside of groups."""
    for places in zip(*(_places(draft, cursor) for cursor in found), strict=False):
        if len({group.id for group, _ in places}) > 1:
            return None
        if len({head for _, head in places}) > 1:
            group: OpenGroup = places[0][0]
            return group
    return None


def _nearness(cursor: Cursor) -> tuple[At, At]:
    """Order waits that stand side by side: the one spoken to last, else the one asked first."""
    return cursor.spoken, -cursor.wait.opened if cursor.wait is not None else 0


def show_menu(draft: Draft, id: GroupId) -> None:
    """Ask which branch; the author's own text comes from the definition or from a handler."""
    group = draft.groups[id]
    definition = draft.flow.groups[group.name]
    if definition.menu_handler:
        parent = draft.cursors[group.parent]
        if not any(owed.phase == "menu" for owed in parent.owed):
            draft.owe(parent, Owed("menu", group.name, draft.fresh(), since=draft.at))
        return
    say_menu(draft, group, definition.menu)


def say_menu(draft: Draft, group: OpenGroup, message: Message | None) -> None:
    """Say the menu with a button per branch: open ones, completed ones that may be redone, and going on if reopened."""
    definition = draft.flow.groups[group.name]
    rows: list[list[Button]] = []
    for branch in group.branches:
        if branch.cursor is not None:
            rows.append([Button(_title(draft.flow, branch.head), branch.head)])
        elif definition.redo:
            rows.append([Button(DONE_MARK + _title(draft.flow, branch.head), branch.head)])
    if _may_go_on(group, definition):
        rows.append([Button(GO_ON, definition.join)])
    nonce = draft.nonce()
    options: list[str] = []
    text = message.text if message is not None else ""
    said = bind(Message(text, rows, message.media if message is not None else ()), nonce, options)
    if message is None:
        draft.notice("menu", said)
    else:
        draft.say(said)
    draft.groups[group.id] = replace(group, menu=Wait("menu", nonce, draft.at, options=tuple(options)))


def _may_go_on(group: OpenGroup, definition: ParallelGroup) -> bool:
    complete = sum(1 for branch in group.branches if branch.cursor is None)
    return group.reopened and complete >= (definition.need or len(group.branches))


def menu_choice(flow: Flow, groups: Iterable[OpenGroup], input: Input) -> tuple[OpenGroup, str] | None:
    """Return the branch of an open menu that a text names (by its step, its title or its button), if it names one."""
    if input.kind != "text":
        return None
    wanted = input.text.strip().casefold()
    for group in groups:
        if group.menu is None:
            continue
        for branch in group.branches:
            title = _title(flow, branch.head)
            if wanted in (branch.head.casefold(), title.casefold(), (DONE_MARK + title).casefold()):
                return group, branch.head
        if wanted == GO_ON:
            return group, flow.groups[group.name].join
    return None


def choose(draft: Draft, group: OpenGroup, value: str) -> None:
    """Give a branch the attention; redo it if it was complete; hand it the input that waited for this choice."""
    definition = draft.flow.groups[group.name]
    if value == definition.join and _may_go_on(group, definition):
        return _groups.join(draft, group)
    branch = next((branch for branch in group.branches if branch.head == value), None)
    if branch is None or (branch.cursor is None and not definition.redo):
        return show_menu(draft, group.id)
    undecided, takers = group.undecided, group.takers
    group = replace(group, menu=None, undecided=(), takers=(), focus=branch.head)
    draft.groups[group.id] = group
    parent = draft.cursors[group.parent]
    if parent.group is not None:
        _groups.focus(draft, parent)
    if branch.cursor is None:
        return _groups.redo(draft, group, branch.head)
    found = [
        cursor
        for cursor in draft.cursors.values()
        if cursor.id in takers and cursor.wait is not None and not cursor.owed and is_attended(draft, cursor)
    ]
    if undecided and found:
        draft.backlog = (*undecided[1:], *draft.backlog)
        decide(draft, found, InputReceived(draft.at, undecided[0]))
        return None
    cursor = draft.cursors[branch.cursor]
    if cursor.opened is not None:
        return show_menu(draft, cursor.opened)
    if cursor.owed or cursor.wait is None or cursor.wait.gathered:
        return None
    return _navigation.repeat(draft, cursor)


def _title(flow: Flow, name: StepName) -> str:
    step = step_of(flow, name)
    return step.title or name if step is not None else name
