"""Retelling: one run lived through again from its journal, with everything that every event asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from turnflow.core.codec import encode_state
from turnflow.core.definition import Flow
from turnflow.core.effects import AnswerPress, ClearTimer, Effect, KeepResult, RetryChild, Say, SetTimer
from turnflow.core.events import (
    ChildAttached,
    ChildFinished,
    Event,
    InputReceived,
    InputSetAside,
    Migrated,
    RunForked,
    RunStarted,
    TimerFired,
)
from turnflow.core.frames import StepResult
from turnflow.core.ids import At, EffectKey, FlowName, GroupId, RunId, TimerId
from turnflow.core.inputs import Input
from turnflow.core.machine import Entry, Ignored, advance, recorded, sealed
from turnflow.core.state import TERMINAL, RunState, blank
from turnflow.engine.rows import stub
from turnflow.engine.texts import Texts

Complain: TypeAlias = Callable[[str, str, str], None]
"""Takes the invariant, the place, and what to look at."""
Definitions: TypeAlias = Mapping[tuple[FlowName, int], Flow]
Deployments: TypeAlias = Sequence[Definitions]
"""What was registered, one deployment after the other."""
Pinned: TypeAlias = Mapping[str, Flow]
"""What runs of documents go by whatever is registered, by digest."""


@dataclass(slots=True)
class Retold:
    """What the journal of one run says happened."""

    state: RunState
    said: dict[EffectKey, str] = field(default_factory=dict)
    """Replies that must have a row, with the role whose inbox they go to ("" for the conversation)."""
    inputs: list[Input] = field(default_factory=list)
    """Accepted inputs in the order in which they were consumed."""
    attached: list[RunId] = field(default_factory=list)
    returned: list[RunId] = field(default_factory=list)
    """Children whose end the run took note of."""
    armed: dict[TimerId, At] = field(default_factory=dict)
    """Timers that must have a row."""
    kept: list[StepResult] = field(default_factory=list)
    """What steps came to; each must have a row."""
    transitions: int = 0
    fired: int = 0
    joined: int = 0


def retell(
    run: RunId,
    entries: tuple[Entry, ...],
    deployments: Deployments,
    pinned: Pinned,
    texts: Texts,
    complain: Complain,
    ends_in: bytes,
) -> Retold:
    """Live a run through again, and complain about what could not have happened. `ends_in`: its state as it is stored."""
    told = Retold(blank(run))
    closed: set[GroupId] = set()
    for entry, definitions in zip(entries, _went_by(run, entries, deployments, pinned, ends_in), strict=True):
        evaluate = recorded(entry.evaluations)
        for index, event in enumerate(entry.events):
            place = f"run {run}, revision {entry.revision}, event {index} ({type(event).__name__})"
            before = told.state
            flow = _flow(before, event, definitions, pinned)
            decision = advance(flow, before, event, evaluate)
            if isinstance(decision.verdict, Ignored):
                why = decision.verdict.reason
                invariant = "one terminal state" if before.status in TERMINAL else "state = replay(journal)"
                complain(invariant, place, f"the journal holds an event that changes nothing: {why}")
            _note_event(told, event, place, complain)
            told.state = decision.state
            for effect in decision.effects:
                _note_effect(told, effect, texts, place, complain)
            _note_groups(told, before, closed, flow, place, complain)
            told.transitions += 1
        told.state = sealed(told.state)
    return told


def _went_by(
    run: RunId, entries: tuple[Entry, ...], deployments: Deployments, pinned: Pinned, ends_in: bytes
) -> Sequence[Definitions]:
    """Return by which deployment each entry was made: one that leads to the stored state, if there is any.

    A definition may change within its version, and the journal does not say when that was deployed.
    """
    if len(deployments) == 1:
        return [deployments[0]] * len(entries)
    ways: dict[tuple[bytes, int], tuple[RunState, list[Definitions]]] = {(b"", 0): (blank(run), [])}
    for entry in entries:
        further: dict[tuple[bytes, int], tuple[RunState, list[Definitions]]] = {}
        for (_, since), (before, way) in ways.items():
            for number in range(since, len(deployments)):
                state = _applied(before, entry, deployments[number], pinned)
                if state is not None:
                    further.setdefault((encode_state(state), number), (state, [*way, deployments[number]]))
        ways = further
    found = [way for (state, _), (_, way) in ways.items() if state == ends_in]
    return found[-1] if found else [deployments[-1]] * len(entries)


def _applied(state: RunState, entry: Entry, definitions: Definitions, pinned: Pinned) -> RunState | None:
    evaluate = recorded(entry.evaluations)
    for event in entry.events:
        try:
            decision = advance(_flow(state, event, definitions, pinned), state, event, evaluate)
        except StopIteration:  # this definition asks for more than was evaluated
            return None
        if isinstance(decision.verdict, Ignored):
            return None
        state = decision.state
    return sealed(state)


def _flow(state: RunState, event: Event, definitions: Definitions, pinned: Pinned) -> Flow:
    name, version, digest = state.flow, state.version, state.digest
    if isinstance(event, RunStarted):
        name, version, digest = event.flow, event.version, event.digest
    elif isinstance(event, RunForked):
        name, version, digest = event.seed.flow, event.seed.version, event.seed.digest
    elif isinstance(event, Migrated):
        version = event.version
    return pinned.get(digest) or definitions.get((name, version)) or stub(state)


def _note_event(told: Retold, event: Event, place: str, complain: Complain) -> None:
    match event:
        case RunStarted(trigger=Input() as trigger):
            told.inputs.append(trigger)
        case InputReceived(input=Input() as input) | InputSetAside(input=Input() as input):
            told.inputs.append(input)
        case ChildAttached(child=child):
            told.attached.append(child.run)
        case ChildFinished(child=finished):
            told.returned.append(finished)
        case TimerFired(at, timer):
            told.fired += 1
            due = told.armed.pop(timer, None)
            if due is None:
                complain("timers fired or cleared once", place, f"timer {timer} fired although it was not set")
            elif at < due:
                complain("timers never early", place, f"timer {timer} fired {due - at} ms before its time")
        case _:
            pass


def _note_effect(told: Retold, effect: Effect, texts: Texts, place: str, complain: Complain) -> None:
    match effect:
        case Say(key, message, notice, role):
            worded = message if notice is None else texts.worded(notice, message)
            if role or worded.text or worded.buttons or worded.media:
                _expect(told, key, role, place, complain)
        case AnswerPress(key):
            _expect(told, key, "", place, complain)
        case SetTimer(_, timer, due):
            told.armed[timer] = due
        case ClearTimer(_, timer):
            told.armed.pop(timer, None)
        case KeepResult(_, result):
            told.kept.append(result)
        case RetryChild(_, child):  # it may end once more
            told.returned = [returned for returned in told.returned if returned != child]
        case _:
            pass


def _expect(told: Retold, key: EffectKey, role: str, place: str, complain: Complain) -> None:
    if key in told.said:
        complain("no effect key twice", place, f"key {key} was used before")
    told.said[key] = role


def _note_groups(
    told: Retold, before: RunState, closed: set[GroupId], flow: Flow, place: str, complain: Complain
) -> None:
    open_now = {group.id for group in told.state.groups}
    again = open_now & closed
    if again:
        complain("join at most once per visit", place, f"groups {sorted(again)} are open again after they were closed")
    for group in before.groups:
        if group.id in open_now:
            continue
        closed.add(group.id)
        definition = flow.groups.get(group.name)
        parent = next((cursor for cursor in told.state.cursors if cursor.id == group.parent), None)
        if definition is not None and parent is not None and parent.step == definition.join:
            told.joined += 1
