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

    event --> _steps / _waits / _groups / _failures change the draft --> settle: pure work, next user code, or the end

Nothing is remembered outside the state: after a crash `pending(state)` gives the effects that are still owed, with the same
keys. The journal keeps accepted events; `replay` applies them again and gets the same state.

The engine commits after the last `advance` of a turn and marks the commit with `sealed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import replace

from turnflow.core import _failures, _groups, _navigation, _steps, _waits
from turnflow.core._draft import Draft, encoded
from turnflow.core.definition import Flow
from turnflow.core.effects import AnswerPress, Effect, RunHandler
from turnflow.core.events import (
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
    RetryRequested,
    RunStarted,
    TimerFired,
)
from turnflow.core.ids import FlowName, StepName, TimerId
from turnflow.core.messages import Message
from turnflow.core.state import TERMINAL, Cursor, Ending, Failure, Owed, RunState, Status, Timer, blank

SEMANTICS: Final = 1
"""Version of the rules in this file; journal entries carry it."""

STATUSES: Final[Mapping[Status, frozenset[Status]]] = {
    "created": frozenset({"running", "waiting", "completed", "failed", "cancelled"}),
    "running": frozenset({"running", "waiting", "completed", "failed", "cancelled", "stuck", "blocked"}),
    "waiting": frozenset({"waiting", "running", "completed", "failed", "cancelled", "stuck", "blocked"}),
    "paused": frozenset(),
    "stuck": frozenset({"stuck", "running", "waiting", "completed", "failed", "cancelled", "blocked"}),
    "blocked": frozenset({"blocked", "running", "waiting", "completed", "failed", "cancelled", "stuck"}),
    "completed": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
"""Which status may follow which within one event; the documentation draws its picture from this table."""


class Accepted(NamedTuple):
    """The event changed the run."""


class Ignored(NamedTuple):
    """The event changed nothing, which is life and no error: a late press, a second answer, a timer of a closed wait."""

    reason: str


Verdict: TypeAlias = Accepted | Ignored
ACCEPTED: Final = Accepted()


class Decision(NamedTuple):
    """What `advance` came to."""

    state: RunState
    effects: tuple[Effect, ...]
    verdict: Verdict


class Entry(Struct, frozen=True):
    """What one commit did to a run: the journal's unit."""

    revision: int
    events: tuple[Event, ...]
    semantics: int = SEMANTICS


Definitions: TypeAlias = Mapping[tuple[FlowName, int], Flow]


def advance(flow: Flow, state: RunState, event: Event) -> Decision:
    """Apply one event to a run of `flow`. Never raises for a valid flow."""
    if state.status in TERMINAL:
        return Decision(state, (), Ignored("ended"))
    if (state.status == "created") is not isinstance(event, RunStarted):
        return Decision(state, (), Ignored("not_started" if state.status == "created" else "started"))
    draft = Draft(flow, state, event.at)
    reason = _apply(draft, event)
    if reason:
        presses = tuple(effect for effect in draft.effects if isinstance(effect, AnswerPress))
        return Decision(state, presses, Ignored(reason))
    _steps.settle(draft)
    return Decision(draft.freeze(), tuple(draft.effects), ACCEPTED)


def sealed(state: RunState) -> RunState:
    """Return the state as the commit of a turn writes it: one revision further."""
    return replace(state, revision=state.revision + 1)


def pending(state: RunState) -> tuple[Effect, ...]:
    """Return the effects that are still owed: what a process that takes over a run has to do. Derived, never remembered."""
    if state.inflight is None:
        return ()
    for cursor in state.cursors:
        if cursor.owed and f"{state.run}:{cursor.owed[0].visit}.{cursor.owed[0].attempt}" == state.inflight:
            return (RunHandler(state.inflight, cursor.id, cursor.owed[0]),)
    return ()


def replay(base: RunState, definitions: Definitions, entries: Iterable[Entry]) -> RunState:
    """Apply journal entries to a state; `replay(blank(run), ..., all entries)` is the state of the last one."""
    state = base
    for entry in entries:
        for event in entry.events:
            name, version = state.flow, state.version
            if isinstance(event, RunStarted):
                name, version = event.flow, event.version
            elif isinstance(event, Migrated):
                version = event.version
            state = advance(definitions[name, version], state, event).state
        state = sealed(state)
    return state


def fits(flow: Flow, state: RunState) -> str:
    """Return "" if every position of a run exists in a flow, else what is missing."""
    for cursor in state.cursors:
        step = flow.steps.get(cursor.step)
        if step is None:
            return f"step {cursor.step!r} is missing"
        if cursor.wait is not None and cursor.wait.spec is None and step.question is None:
            return f"step {cursor.step!r} no longer asks a question"
        if cursor.call is not None and cursor.call.then not in flow.steps:
            return f"step {cursor.call.then!r} is missing"
    for group in state.groups:
        if group.name not in flow.groups:
            return f"parallel group {group.name!r} is missing"
        heads = flow.groups[group.name].branches
        for branch in group.branches:
            if branch.head not in heads:
                return f"branch {branch.head!r} of group {group.name!r} is missing"
    return ""


def _apply(draft: Draft, event: Event) -> str:
    """Change the draft; return "" if the event counts, else why not."""
    match event:
        case InputReceived():
            return _waits.receive(draft, event)
        case HandlerAnswered():
            return _steps.answered(draft, event)
        case HandlerFailed():
            return _steps.raised(draft, event)
        case TimerFired():
            return _timer(draft, event)
        case RunStarted():
            return _start(draft, event)
        case ChildFinished():
            return _child_finished(draft, event)
        case ChildAttached(_, child):
            draft.children = (*draft.children, child)
            return ""
        case OperatorAnswered():
            return _operator(draft, event)
        case CancelRequested(_, by, reason, notify):
            if draft.ending is not None or draft.cancelling is not None:
                return "ending"
            _unhalt(draft)
            _failures.end(draft, Ending("cancelled", reason=reason, by=by, said=not notify))
            return ""
        case MoveRequested(_, step):
            return _move(draft, step)
        case RetryRequested():
            if draft.status != "stuck":
                return "not_stuck"
            _unhalt(draft)
            return ""
        case Migrated():
            return _migrated(draft, event)
        case Blocked(_, reason):
            draft.status, draft.reason, draft.inflight = "blocked", reason, None
            draft.notice("blocked")
            return ""
        case InputSetAside(_, reason, input):
            draft.status, draft.reason, draft.inflight = "stuck", reason, None
            if input is not None:
                draft.backlog = (input, *draft.backlog)
            draft.notice("stuck")
            return ""
        case Asked():
            return _ask_again(draft)
        case _:
            assert_never(event)


def _start(draft: Draft, event: RunStarted) -> str:
    draft.state = replace(
        blank(draft.state.run),
        flow=event.flow,
        version=event.version,
        mailbox=event.mailbox,
        conversation=event.conversation,
        user=event.user,
        chat=event.chat,
        thread=event.thread,
        key_policy=event.key_policy,
        key=event.key,
        exclusive=event.exclusive,
        parent=event.parent,
        created=event.at,
    )
    draft.version = event.version
    draft.data = event.data
    policies = draft.flow.policies
    if policies.ttl is not None:
        draft.set_timer(Timer(TimerId("ttl"), "ttl", event.at + policies.ttl))
    if policies.idle is not None:
        draft.set_timer(Timer(TimerId("idle"), "idle", event.at + policies.idle))
    main = Cursor(_failures.MAIN, StepName(""))
    draft.put(main)
    _navigation.enter(draft, main, draft.flow.start, ())
    if "flow_enter" in draft.flow.hooks and draft.ending is None:
        hook = Owed("hook", draft.flow.start, draft.fresh(), since=event.at, hook="flow_enter")
        main = draft.cursors[_failures.MAIN]
        draft.put(replace(main, owed=(hook, *main.owed)))
    return ""


def _timer(draft: Draft, event: TimerFired) -> str:
    timer = draft.timers.get(event.timer)
    if timer is None:
        return "cleared"
    if event.at < timer.due:
        return "early"
    if draft.status in ("blocked", "stuck"):
        return ""  # it stays among the timers and is set again when the run goes on
    del draft.timers[event.timer]
    if timer.kind in ("ttl", "idle"):
        _failures.expired(draft, timer.kind)
    elif timer.kind == "group":
        if timer.group not in draft.groups:
            return "cleared"
        _groups.timed_out(draft, timer.group)
    else:
        cursor = draft.cursors.get(timer.cursor) if timer.cursor is not None else None
        if cursor is None:
            return "cleared"
        if timer.kind == "retry":
            owed = tuple(replace(item, delayed=False) for item in cursor.owed)
            draft.put(replace(cursor, owed=owed))
        else:
            _waits.timer_due(draft, timer, cursor)
    return ""


def _child_finished(draft: Draft, event: ChildFinished) -> str:
    if all(child.run != event.child for child in draft.children):
        return "unknown_child"
    draft.children = tuple(child for child in draft.children if child.run != event.child)
    draft.hops = 0
    if draft.cancelling is not None:
        _failures.child_ended(draft)
        return ""
    for cursor in draft.cursors.values():
        call = cursor.call
        if call is None or call.child != event.child:
            continue
        cursor = replace(cursor, call=None)
        draft.put(cursor)
        if event.outcome == "completed":
            _navigation.onward(draft, cursor, call.then, event.result)
        else:
            error = event.error or Failure(event.outcome)
            owed = Owed("enter", cursor.step, draft.fresh(), since=event.at)
            detail = f"flow {call.flow!r} ended {event.outcome}: {error.message or error.code}"
            _failures.failed(draft, cursor, owed, f"child_{event.outcome}", detail, retry=False)
        break
    return ""


def _operator(draft: Draft, event: OperatorAnswered) -> str:
    for cursor in draft.cursors.values():
        if cursor.escalation is None:
            continue
        if event.text:
            draft.say(Message(event.text))
        if event.ends:
            draft.hops = 0
            then = cursor.escalation.then
            cursor = replace(cursor, escalation=None)
            draft.put(cursor)
            if then is None:
                _navigation.repeat(draft, cursor)
            else:
                _navigation.onward(draft, cursor, then, encoded(event.text))
        return ""
    return "not_escalated"


def _move(draft: Draft, step: StepName) -> str:
    if draft.ending is not None or draft.cancelling is not None:
        return "ending"
    if draft.step(step) is None:
        return "unknown_step"
    _unhalt(draft)
    for group in list(draft.groups):
        _groups.close(draft, group)
    main = draft.cursors[_failures.MAIN]
    if main.call is not None:
        _failures.abandon(draft, main.call.child)
    draft.inflight = None
    draft.hops = 0
    draft.cursors = {main.id: replace(main, owed=(), call=None, escalation=None, opened=None)}
    _navigation.enter(draft, draft.cursors[main.id], step, ())
    return ""


def _unhalt(draft: Draft) -> None:
    """Let a blocked or stuck run go on: timers that fired meanwhile, and all others, are set anew."""
    if draft.status in ("blocked", "stuck"):
        draft.status, draft.reason = "running", ""
        for timer in list(draft.timers.values()):
            draft.set_timer(timer)


def _migrated(draft: Draft, event: Migrated) -> str:
    steps = event.steps
    _unhalt(draft)
    draft.version = event.version
    if event.data is not None:
        draft.data = event.data
    draft.inflight = None
    if not steps:
        return ""
    draft.results = {steps.get(name, name): value for name, value in draft.results.items()}
    for group in list(draft.groups.values()):
        branches = tuple(replace(branch, head=steps.get(branch.head, branch.head)) for branch in group.branches)
        focus = steps.get(group.focus, group.focus) if group.focus is not None else None
        draft.groups[group.id] = replace(group, name=steps.get(group.name, group.name), branches=branches, focus=focus)
    moved = []
    for cursor in list(draft.cursors.values()):
        owed = tuple(replace(item, step=steps.get(item.step, item.step)) for item in cursor.owed)
        history = tuple(steps.get(name, name) for name in cursor.history)
        head = steps.get(cursor.head, cursor.head)
        draft.put(replace(cursor, head=head, owed=owed, history=history, step=steps.get(cursor.step, cursor.step)))
        if cursor.step in steps and not cursor.owed and cursor.wait is not None:
            moved.append(cursor.id)
    for id in moved:
        if id in draft.cursors:
            cursor = draft.cursors[id]
            _navigation.enter(draft, cursor, cursor.step, cursor.history)
    return ""


def _ask_again(draft: Draft) -> str:
    if draft.status in ("blocked", "stuck"):
        draft.notice("blocked" if draft.status == "blocked" else "stuck")
        return ""
    focused = {group.focus for group in draft.groups.values() if group.focus is not None}
    asked = False
    for cursor in list(draft.cursors.values()):
        if cursor.escalation is not None:
            draft.notice("escalated")
            asked = True
        elif cursor.wait is not None and not cursor.owed and (not focused or cursor.head in focused):
            _navigation.repeat(draft, cursor)
            asked = True
    return "" if asked else "busy"
