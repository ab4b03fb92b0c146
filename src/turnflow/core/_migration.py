"""Change under live conversations: whether a run fits a definition, and carrying it over to another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from turnflow.core import _clearing, _interventions, _navigation
from turnflow.core._draft import Draft
from turnflow.core.definition import Flow, WaitSpec
from turnflow.core.events import Migrated
from turnflow.core.graph import structure_of
from turnflow.core.ids import StepName
from turnflow.core.nodes import GROUPS, ActionStep, EventStep, FlowStep, TimerStep
from turnflow.core.state import Cursor, OpenGroup, Owed, RunState

WORK: Final = {
    "action": (ActionStep,),
    "event": (EventStep,),
    "poll": (EventStep,),
    "timer": (TimerStep, FlowStep, *GROUPS),
}
"""Which steps may have a job of each kind."""


def fits(flow: Flow, state: RunState) -> str:
    """Return "" if every position of a run exists in a flow, else what is missing."""
    for cursor in state.cursors:
        missing = _missing(flow, cursor)
        if missing:
            return missing
    for frame in state.frames:
        if not isinstance(flow.nodes.get(frame.name), GROUPS):
            return f"group {frame.name!r} is missing"
    inside = {frame.id: frame.name for frame in state.frames}
    for cursor in state.cursors:
        if cursor.frame is not None and structure_of(flow).group.get(cursor.step) != inside[cursor.frame]:
            return f"step {cursor.step!r} is no longer in group {inside[cursor.frame]!r}"
    for group in state.groups:
        if group.name not in flow.groups:
            return f"parallel group {group.name!r} is missing"
        heads = [branch.head for branch in group.branches]
        for head in heads:
            if head not in flow.groups[group.name].branches:
                return f"branch {head!r} of group {group.name!r} is missing"
        if len(set(heads)) < len(heads):
            return f"two branches of group {group.name!r} became one"
    return ""


def _missing(flow: Flow, cursor: Cursor) -> str:
    places = [cursor.step]
    if cursor.call is not None:
        places.append(cursor.call.then)
    if cursor.escalation is not None and cursor.escalation.then is not None:
        places.append(cursor.escalation.then)
    for name in places:
        if name and name not in flow.steps and name not in flow.nodes:
            return f"step {name!r} is missing"
    step = flow.steps.get(cursor.step)
    if cursor.job is not None and not isinstance(flow.nodes.get(cursor.step), WORK[cursor.job.kind]):
        return f"step {cursor.step!r} no longer does what is under way there"
    if cursor.wait is not None and cursor.wait.spec is None and (step is None or step.question is None):
        return f"step {cursor.step!r} no longer asks a question"
    return ""


def migrate(draft: Draft, event: Migrated) -> str:
    """Carry a run over to the definition at hand, or let a blocked one go on; one that does not fit is blocked."""
    if draft.leaving:
        return "ending"
    flow = draft.flow
    steps = {**flow.retired, **event.steps}
    state = draft.state
    moved = {cursor.id: cursor.step in flow.retired for cursor in state.cursors if _is_moved(flow, cursor, steps)}
    if steps:
        state = replace(
            state,
            results={steps.get(name, name): value for name, value in state.results.items()},
            cursors=tuple(_renamed(cursor, steps, cursor.id in moved) for cursor in state.cursors),
            groups=tuple(_renamed_group(group, steps) for group in state.groups),
        )
    missing = fits(flow, state)
    if missing:
        return _interventions.block(draft, missing)
    draft.results = state.results
    draft.cursors = {cursor.id: cursor for cursor in state.cursors}
    draft.groups = {group.id: group for group in state.groups}
    draft.version = event.version
    draft.inflight = None
    if event.data is not None:
        draft.data = event.data
    for id, is_elsewhere in moved.items():
        cursor = draft.cursors[id]
        if cursor.job is not None:
            _clearing.stop_job(draft, cursor, cursor.job)
        _navigation.enter(draft, cursor, cursor.step, cursor.history)
        if is_elsewhere and id in draft.cursors:
            draft.put(replace(draft.cursors[id], moved=event.at))
    if draft.status != "paused":
        _interventions.go_on(draft)
    return ""


def _is_moved(flow: Flow, cursor: Cursor, steps: Mapping[StepName, StepName]) -> bool:
    """Tell whether a cursor enters its new step: an open question is asked there, and a retired step's work is given up."""
    if cursor.step not in steps or cursor.call or cursor.escalation or cursor.opened is not None:
        return False
    return (not cursor.owed and cursor.job is None) or cursor.step in flow.retired


def _renamed(cursor: Cursor, steps: Mapping[StepName, StepName], moved: bool) -> Cursor:
    wait, call, escalation = cursor.wait, cursor.call, cursor.escalation
    if wait is not None and wait.spec is not None:
        wait = replace(wait, spec=_renamed_targets(wait.spec, steps))
    if call is not None:
        call = replace(call, then=steps.get(call.then, call.then))
    if escalation is not None and escalation.then is not None:
        escalation = replace(escalation, then=steps.get(escalation.then, escalation.then))
    return replace(
        cursor,
        step=steps.get(cursor.step, cursor.step),
        head=steps.get(cursor.head, cursor.head),
        history=tuple(steps.get(name, name) for name in cursor.history),
        owed=() if moved else tuple(_renamed_call(owed, steps) for owed in cursor.owed),
        wait=None if moved else wait,
        call=call,
        escalation=escalation,
    )


def _renamed_call(owed: Owed, steps: Mapping[StepName, StepName]) -> Owed:
    failed = tuple(_renamed_call(call, steps) for call in owed.failed)
    return replace(owed, step=steps.get(owed.step, owed.step), failed=failed)


def _renamed_targets(spec: WaitSpec, steps: Mapping[StepName, StepName]) -> WaitSpec:
    to, exhausted = spec.on_timeout.to, spec.on_exhausted
    return replace(
        spec,
        on_timeout=replace(spec.on_timeout, to=steps.get(to, to) if to is not None else None),
        on_exhausted=steps.get(exhausted, exhausted) if exhausted is not None else None,
    )


def _renamed_group(group: OpenGroup, steps: Mapping[StepName, StepName]) -> OpenGroup:
    return replace(
        group,
        name=steps.get(group.name, group.name),
        branches=tuple(replace(branch, head=steps.get(branch.head, branch.head)) for branch in group.branches),
        focus=steps.get(group.focus, group.focus) if group.focus is not None else None,
    )
