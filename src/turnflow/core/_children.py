"""Child runs: starting them, waiting for them, and taking note of their end."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from msgspec import DecodeError, Raw, json
from msgspec.structs import replace

from turnflow.core import _failures, _navigation, _nodes, _waits
from turnflow.core._draft import Draft
from turnflow.core.directives import CallFlow
from turnflow.core.effects import CancelChild, StartChild
from turnflow.core.evaluation import Flaw
from turnflow.core.events import ChildFinished
from turnflow.core.frames import Job, StepResult
from turnflow.core.ids import RunId, TimerId
from turnflow.core.nodes import FlowStep
from turnflow.core.state import Call, Child, Cursor, Ending, Failure, Owed, Parent, Timer

DEPTH_LIMIT: Final = 16
"""How deep flows may call flows."""


def call(draft: Draft, cursor: Cursor, owed: Owed, directive: CallFlow) -> None:
    """Park a cursor for a child run and start that."""
    if not draft.knows(directive.then):
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


def call_for_step(draft: Draft, cursor: Cursor, node: FlowStep, visit: int, again: Job | None = None) -> None:
    """Park a cursor of a flow graph for a child run and start that. `again`: it is a further attempt."""
    attempt, since = (again.attempt, again.since) if again is not None else (1, draft.at)
    answer = draft.evaluate(node.input, cursor)
    if isinstance(answer, Flaw):
        return _nodes.failed(draft, cursor, "expression", answer.message, retry=False)
    try:
        data = json.decode(answer.json, type=dict[str, Raw])
    except DecodeError:
        return _nodes.failed(
            draft, cursor, "expression", f"the input of flow step {node.name!r} must be an object", retry=False
        )
    parent = draft.state.parent
    depth = parent.depth + 1 if parent is not None else 1
    if depth > DEPTH_LIMIT:
        message = f"flows may call flows {DEPTH_LIMIT} deep; {node.flow!r} would be deeper"
        return _nodes.failed(draft, cursor, "nesting_too_deep", message, retry=False)
    run, mailbox = draft.state.run, draft.state.mailbox
    child = child_id(run, draft.fresh())
    root = parent.root if parent is not None and parent.awaited else run
    draft.put(replace(cursor, call=Call(child, node.flow, visit=visit, since=since, attempt=attempt)))
    if node.settings.timeout is not None and again is None:
        draft.set_timer(Timer(TimerId(f"s{visit}"), "step", draft.at + node.settings.timeout, cursor.id))
    draft.children = (*draft.children, Child(child, mailbox))
    return draft.effects.append(StartChild(draft.key(), child, node.flow, Parent(run, mailbox, root, depth), data))


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
        for id in list(draft.cursors):
            cursor = draft.cursors.get(id)  # the end of another child may have taken it away
            if cursor is not None and cursor.call is not None and cursor.call.child == child.run and child.ended:
                _returned(draft, cursor, cursor.call, child.ended)


def forget(draft: Draft) -> None:
    """Drop children that have ended."""
    draft.children = tuple(child for child in draft.children if child.ended is None)


def _returned(draft: Draft, cursor: Cursor, call: Call, ended: Ending) -> None:
    if not call.then:
        return _step_returned(draft, cursor, call, ended)
    cursor = replace(cursor, call=None)
    draft.put(cursor)
    if ended.outcome == "completed":
        return _navigation.onward(draft, cursor, call.then, ended.result)
    error = ended.error or Failure(ended.outcome)
    owed = Owed("enter", cursor.step, draft.fresh(), since=draft.at)
    detail = f"flow {call.flow!r} ended {ended.outcome}: {error.message or error.code}"
    return _failures.failed(draft, cursor, owed, f"child_{ended.outcome}", detail, retry=False)


def _step_returned(draft: Draft, cursor: Cursor, call: Call, ended: Ending) -> None:
    """Go on with what the child of a flow step came to, or with its failure."""
    if ended.outcome == "completed":
        path = cursor.prefix + cursor.step
        result = StepResult(
            path, call.visit, "completed", ended.result, attempts=call.attempt, started=call.since, ended=draft.at
        )
        return _nodes.came_to(draft, cursor, result)
    error = ended.error or Failure(ended.outcome, ended.reason)
    detail = f"flow {call.flow!r} ended {ended.outcome}: {error.message or error.code}"
    job = Job(call.visit, "timer", call.since, attempt=call.attempt)
    return _nodes.failed(draft, replace(cursor, job=job), f"child_{ended.outcome}", detail)
