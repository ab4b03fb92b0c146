"""Child runs: starting them, waiting for them, and taking note of their end."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from turnflow.core import _failures, _navigation, _waits
from turnflow.core._draft import Draft
from turnflow.core.directives import CallFlow
from turnflow.core.effects import CancelChild, StartChild
from turnflow.core.events import ChildFinished
from turnflow.core.ids import RunId
from turnflow.core.state import Call, Child, Cursor, Ending, Failure, Owed, Parent

DEPTH_LIMIT: Final = 16
"""How deep flows may call flows."""


def call(draft: Draft, cursor: Cursor, owed: Owed, directive: CallFlow) -> None:
    """Park a cursor for a child run and start that."""
    if draft.step(directive.then) is None:
        return _navigation.nowhere(draft, cursor, directive.then)
    parent = draft.state.parent
    depth = parent.depth + 1 if parent is not None else 1
    if depth > DEPTH_LIMIT:
        message = f"flows may call flows {DEPTH_LIMIT} deep; {directive.flow!r} would be deeper"
        return _failures.failed(draft, cursor, owed, "nesting_too_deep", message, retry=False)
    run, mailbox = draft.state.run, draft.state.mailbox
    child = child_id(run, draft.fresh())
    root = parent.root if parent is not None and parent.awaited else run
    draft.put(replace(_waits.close_wait(draft, cursor), call=Call(child, directive.flow, directive.then)))
    draft.children = (*draft.children, Child(child, mailbox))
    above = Parent(run, mailbox, root, depth)
    draft.effects.append(StartChild(draft.key(), child, directive.flow, above, directive.data))
    return None


def child_id(run: RunId, serial: int) -> RunId:
    """Return the id of a child run: it derives from the parent's, so that a repeated turn makes the same child."""
    return RunId(blake2b(f"{run}:{serial}".encode(), digest_size=10).hexdigest())


def attach(draft: Draft, child: Child) -> str:
    """Note a child that the host program started; "" if it counts, else why not."""
    if draft.leaving:
        return "ending"
    if any(known.run == child.run for known in draft.children):
        return "known_child"
    draft.children = (*draft.children, child)
    _unnoticed(draft)
    return ""


def abandon(draft: Draft, child: RunId) -> None:
    """Cancel a child whose result nobody waits for any more."""
    draft.effects.append(CancelChild(draft.key(), child, "abandoned"))


def finished(draft: Draft, event: ChildFinished) -> str:
    """Take note of the end of a child; a halted run keeps it until it goes on. "" if it counts, else why not."""
    child = next((child for child in draft.children if child.run == event.child and child.ended is None), None)
    if child is None:
        return "unknown_child"
    ended = replace(child, ended=Ending(event.outcome, event.result, event.error))
    draft.children = tuple(ended if known.run == child.run else known for known in draft.children)
    if draft.cancelling is None and not any(c.call and c.call.child == child.run for c in draft.cursors.values()):
        _unnoticed(draft)
    if not draft.halted:
        take_note(draft)
    return ""


def _unnoticed(draft: Draft) -> None:
    """What happens now changes nothing that people see: the run is no more recent for it, and gets no more attention."""
    draft.at = draft.state.updated


def take_note(draft: Draft) -> None:
    """Go on with the results of children that have ended."""
    over = [child for child in draft.children if child.ended is not None]
    forget(draft)
    if draft.cancelling is not None:
        if not draft.children:
            _failures.clean_up(draft, draft.cancelling)
        return
    for child in over:
        for cursor in list(draft.cursors.values()):
            if cursor.call is not None and cursor.call.child == child.run and child.ended is not None:
                _returned(draft, cursor, cursor.call, child.ended)


def forget(draft: Draft) -> None:
    """Drop children that have ended."""
    draft.children = tuple(child for child in draft.children if child.ended is None)


def _returned(draft: Draft, cursor: Cursor, call: Call, ended: Ending) -> None:
    cursor = replace(cursor, call=None)
    draft.put(cursor)
    if ended.outcome == "completed":
        return _navigation.onward(draft, cursor, call.then, ended.result)
    error = ended.error or Failure(ended.outcome)
    owed = Owed("enter", cursor.step, draft.fresh(), since=draft.at)
    detail = f"flow {call.flow!r} ended {ended.outcome}: {error.message or error.code}"
    return _failures.failed(draft, cursor, owed, f"child_{ended.outcome}", detail, retry=False)
