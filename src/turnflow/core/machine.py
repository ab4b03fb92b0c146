"""The machine: the only place where a run changes.

Theory of operation
-------------------
`advance(flow, state, event)` takes what is known of a run and one thing that happened, and says what the run is now and
what has to be done about it. It is total (every event in every state has a verdict, none raises), deterministic (equal
arguments give equal bytes) and free of I/O, clocks, randomness and user code: time and every outside result arrive inside
events.

A run is a set of cursors. A cursor stands on a step and either owes user code (its `owed` queue), waits for an input,
waits for a child run, waits for an operator, or stands on the start step of an open parallel group whose branches are
cursors of their own. At most one piece of user code per run is asked for at a time: `state.inflight` holds its key, and only
an answer with that key counts. So one `advance` does everything that needs no user code and ends in one of three ways:
it asks for user code (`RunHandler`), it is parked, or the run has ended.

    event --> _inputs, _steps, _waits, _menu, _groups, _children, _failures, _interventions, _migration change the draft
          --> settle: work that needs no user code, then the next user code, or rest, or the end

Nothing is remembered outside the state: after a crash `pending(state)` gives the effects that are still owed, with the same
keys. The journal keeps accepted events; `replay` applies them again and gets the same state.

An input is never dropped in silence. It answers a wait, or is kept in the backlog while user code is at work or the run is
halted (blocked, stuck); what no wait takes once the run is at rest is given back (`Release`) to be routed anew. A halted run
does nothing, keeps everything (timers that fire, children that end) and goes on from there.

Flow graphs (`Flow.nodes`) move by declared outputs. A cursor then may also have a job (work outside that it waits for) or stand
on a group, whose lanes are cursors of their own, counted by a frame. What steps come to is not in the state: `KeepResult` makes a
row of it. Expressions are asked of `evaluate`, and the answers are part of the decision, so that `replay` asks nobody.
What comes of work outside while a run is halted stays with the job; `fell` holds what a failure took away, for a resumed run.

    begin --> _nodes, _frames, _moments, _work --> result kept, output taken --> _failures, _falls if it failed --> _resumption

User code may send a run in circles; `hops` counts its transitions since the last event from outside and ends that.

The engine commits after the last `advance` of a turn and marks the commit with `sealed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import replace

from turnflow.core import _beginning, _children, _inputs, _interventions, _migration, _moments, _steps, _timers, _work
from turnflow.core._draft import Draft
from turnflow.core._migration import fits
from turnflow.core.definition import Flow
from turnflow.core.effects import AnswerPress, CallAction, Effect, RunHandler
from turnflow.core.evaluation import Evaluate, Evaluation, no_expressions
from turnflow.core.events import (
    ActionFailed,
    ActionSucceeded,
    Asked,
    Blocked,
    CancelRequested,
    ChildAttached,
    ChildFinished,
    Event,
    HandlerAnswered,
    HandlerFailed,
    InputReceived,
    InputSetAside,
    Migrated,
    MoveRequested,
    OperatorAnswered,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    RunForked,
    RunStarted,
    SignalReceived,
    TimerFired,
)
from turnflow.core.ids import EffectKey, FlowName
from turnflow.core.state import TERMINAL, RunState, Status, blank

__all__ = [
    "ACCEPTED",
    "SEMANTICS",
    "STATUSES",
    "Accepted",
    "Decision",
    "Definitions",
    "Entry",
    "Ignored",
    "Verdict",
    "advance",
    "blank",
    "fits",
    "pending",
    "recorded",
    "replay",
    "sealed",
]

SEMANTICS: Final = 1
"""Version of the rules in this file; journal entries carry it."""

STATUSES: Final[Mapping[Status, frozenset[Status]]] = {
    "created": frozenset({"running", "waiting", "completed", "failed", "cancelled"}),
    "running": frozenset({"running", "waiting", "completed", "failed", "cancelled", "stuck", "blocked", "paused"}),
    "waiting": frozenset({"waiting", "running", "completed", "failed", "cancelled", "stuck", "blocked", "paused"}),
    "paused": frozenset({"paused", "running", "waiting", "completed", "failed", "cancelled", "blocked", "stuck"}),
    "stuck": frozenset({"stuck", "running", "waiting", "paused", "completed", "failed", "cancelled", "blocked"}),
    "blocked": frozenset({"blocked", "running", "waiting", "paused", "completed", "failed", "cancelled", "stuck"}),
    "completed": frozenset(),
    "failed": frozenset({"running", "waiting", "completed", "failed", "cancelled"}),
    "cancelled": frozenset(),
}
"""Which status may follow which within one event; the documentation draws its picture from this table."""


BEGINNINGS: Final = (RunStarted, RunForked)
"""Events that a run begins with, and none else."""

BY_CODE: Final = (HandlerAnswered, HandlerFailed)
"""Events that come from user code: they alone do not reset the loop guard."""


class Accepted(NamedTuple):
    """The event changed the run."""


class Ignored(NamedTuple):
    """The event changed nothing, which is life and no error: a late press, a second answer, a timer of a closed wait."""

    reason: str


Verdict: TypeAlias = Accepted | Ignored
ACCEPTED: Final = Accepted()


class Decision(Struct, frozen=True, gc=False):
    """What `advance` came to."""

    state: RunState
    effects: tuple[Effect, ...]
    verdict: Verdict
    evaluations: tuple[Evaluation, ...] = ()
    """What expressions came to, in the order in which they were evaluated; the journal keeps them."""


class Entry(Struct, frozen=True):
    """What one commit did to a run: the journal's unit."""

    revision: int
    events: tuple[Event, ...]
    semantics: int = SEMANTICS
    evaluations: tuple[Evaluation, ...] = ()
    """What expressions came to while these events were applied."""


Definitions: TypeAlias = Mapping[tuple[FlowName, int], Flow]


def advance(flow: Flow, state: RunState, event: Event, evaluate: Evaluate = no_expressions) -> Decision:
    """Apply one event to a run of `flow`. Never raises for a valid flow, unless `evaluate` does."""
    if state.status in TERMINAL and not (isinstance(event, RetryRequested) and _resumable(state, event)):
        return Decision(state, (), Ignored("ended"))
    if (state.status == "created") is not isinstance(event, BEGINNINGS):
        return Decision(state, (), Ignored("not_started" if state.status == "created" else "started"))
    draft = Draft(flow, state, event.at, evaluate)
    if not isinstance(event, BY_CODE):
        draft.hops = 0
    reason = _apply(draft, event)
    if reason:
        presses = tuple(effect for effect in draft.effects if isinstance(effect, AnswerPress))
        return Decision(state, presses, Ignored(reason))
    _steps.settle(draft)
    return Decision(draft.freeze(), tuple(draft.effects), ACCEPTED, tuple(draft.evaluations))


def sealed(state: RunState) -> RunState:
    """Return the state as the commit of a turn writes it: one revision further."""
    return replace(state, revision=state.revision + 1)


def pending(state: RunState) -> tuple[Effect, ...]:
    """Return the effects that are still owed: what a process that takes over a run has to do. Derived, never remembered."""
    found: list[Effect] = []
    for cursor in state.cursors:
        job = cursor.job
        owed = cursor.owed[0] if cursor.owed and state.inflight is not None else None
        if owed is not None and f"{state.run}:{owed.visit}.{owed.attempt}" == state.inflight:
            found.append(RunHandler(state.inflight, cursor.id, cursor.owed[0]))
        if job is not None and not job.delayed and not job.news and job.kind in ("action", "poll"):
            key = EffectKey(f"{state.run}:{job.visit}.{job.attempt}")
            found.append(CallAction(key, cursor.id, cursor.step, job))
    return tuple(found)


def replay(base: RunState, definitions: Definitions, entries: Iterable[Entry]) -> RunState:
    """Apply journal entries to a state; `replay(blank(run), ..., all entries)` is the state of the last one."""
    state = base
    for entry in entries:
        evaluate = recorded(entry.evaluations)
        for event in entry.events:
            name, version = state.flow, state.version
            if isinstance(event, RunStarted):
                name, version = event.flow, event.version
            elif isinstance(event, RunForked):
                name, version = event.seed.flow, event.seed.version
            elif isinstance(event, Migrated):
                version = event.version
            state = advance(definitions[name, version], state, event, evaluate).state
        state = sealed(state)
    return state


def _resumable(state: RunState, event: RetryRequested) -> bool:
    return state.status == "failed" and (state.fell is not None or bool(event.step))


def recorded(evaluations: Iterable[Evaluation]) -> Evaluate:
    """Return what answers as expressions did when the events of a journal entry were applied."""
    answers = iter(evaluations)
    return lambda asked, scope: next(answers)


def _apply(draft: Draft, event: Event) -> str:
    """Change the draft; return "" if the event counts, else why not."""
    match event:
        case InputReceived():
            return _inputs.receive(draft, event)
        case HandlerAnswered():
            return _steps.answered(draft, event)
        case HandlerFailed():
            return _steps.raised(draft, event)
        case TimerFired():
            return _timers.fired(draft, event)
        case RunStarted():
            return _beginning.start(draft, event)
        case RunForked():
            return _beginning.fork(draft, event)
        case ActionSucceeded():
            return _work.action_succeeded(draft, event)
        case ActionFailed():
            return _work.action_failed(draft, event)
        case SignalReceived():
            return _moments.signalled(draft, event)
        case ChildFinished():
            return _children.finished(draft, event)
        case ChildAttached(_, child):
            return _children.attach(draft, child)
        case OperatorAnswered():
            return _interventions.operator(draft, event)
        case CancelRequested():
            return _interventions.cancel(draft, event)
        case MoveRequested(_, step):
            return _interventions.move(draft, step)
        case RetryRequested(_, _, step):
            return _interventions.retry(draft, step)
        case PauseRequested():
            return _interventions.pause(draft)
        case ResumeRequested():
            return _interventions.unpause(draft)
        case Blocked(_, reason, notify):
            return _interventions.block(draft, reason, notify=notify)
        case InputSetAside():
            return _interventions.set_aside(draft, event)
        case Asked():
            return _interventions.ask_again(draft)
        case Migrated():
            return _migration.migrate(draft, event)
        case _:
            assert_never(event)
