"""What must hold after every single event of a flow graph, whatever the graph, the state and the event."""

from __future__ import annotations

from collections import Counter

from msgspec import json

from turnflow.core import codec
from turnflow.core.definition import Flow
from turnflow.core.effects import (
    CallAction,
    CancelAction,
    ClearTimer,
    Effect,
    Finish,
    KeepResult,
    RetryChild,
    RunHandler,
    SetTimer,
    StartChild,
    Subscribe,
    Unsubscribe,
)
from turnflow.core.evaluation import Evaluate
from turnflow.core.events import ActionFailed, ActionSucceeded, ChildFinished, Event, TimerFired
from turnflow.core.frames import StepResult
from turnflow.core.ids import EffectKey, GroupId, RunId, TimerId
from turnflow.core.machine import STATUSES, Decision, Entry, Ignored, advance, pending, recorded, sealed
from turnflow.core.nodes import GROUPS, Loop, Parallel
from turnflow.core.state import TERMINAL, Cursor, RunState, blank
from turnflow.engine.evaluating import evaluator
from turnflow.engine.outcomes import Outcomes
from turnflow.stores.memory import MemoryStore

HALTED = ("blocked", "stuck", "paused")
RUN = RunId("r")


class GraphWatch:
    """One run of a flow graph and its history, checked event by event; every event is a commit of its own."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.state = blank(RUN)
        self.entries: list[Entry] = []
        self.effects: list[Effect] = []
        self.results: list[StepResult] = []
        """What steps came to, in order."""
        self.calls: dict[EffectKey, CallAction] = {}
        """Actions under way."""
        self.subscriptions: dict[EffectKey, Subscribe] = {}
        self.children: dict[RunId, EffectKey] = {}
        """Children under way, with the effect that began them."""
        self._keys: set[EffectKey] = set()
        self._timers: dict[TimerId, int] = {}
        self._closed: set[GroupId] = set()
        self._finished = 0
        self._outcomes = Outcomes(MemoryStore())
        self._outcomes.begin(RUN)

    @property
    def evaluate(self) -> Evaluate:
        """Evaluates what the run sees now."""
        return evaluator(self.flow, self._outcomes, {})

    def apply(self, event: Event) -> Decision:
        """Advance by one event and check everything that must hold."""
        before = self.state
        decision = advance(self.flow, before, event, self.evaluate)
        again = advance(self.flow, before, event, self.evaluate)
        assert codec.encode_state(decision.state) == codec.encode_state(again.state)
        assert json.encode(decision.effects) == json.encode(again.effects)
        if isinstance(decision.verdict, Ignored):
            assert decision.verdict.reason
            assert decision.state is before
            return decision
        retold = advance(self.flow, before, event, recorded(decision.evaluations))
        assert codec.encode_state(decision.state) == codec.encode_state(retold.state)
        self._collect(event, decision)
        self._check(before, decision.state)
        self.state = sealed(decision.state)
        self.entries.append(Entry(self.state.revision, (event,), evaluations=decision.evaluations))
        return decision

    def _collect(self, event: Event, decision: Decision) -> None:
        match event:
            case ActionSucceeded() | ActionFailed():
                self.calls.pop(event.key, None)
            case ChildFinished():
                self.children.pop(event.child, None)
            case TimerFired():
                self._timers.pop(event.timer, None)
            case _:
                pass
        for effect in decision.effects:
            fresh = effect.key not in self._keys
            assert fresh or isinstance(effect, RunHandler), f"{effect.key} was used before"
            self._keys.add(effect.key)
            self._remember(effect)
        self.effects.extend(decision.effects)
        self._outcomes.add(RUN, [effect.result for effect in decision.effects if isinstance(effect, KeepResult)])

    def _remember(self, effect: Effect) -> None:
        match effect:
            case CallAction():
                self.calls[effect.key] = effect
            case CancelAction():
                self.calls.pop(effect.call, None)
            case Subscribe():
                self.subscriptions[effect.key] = effect
            case Unsubscribe():
                del self.subscriptions[effect.subscription]
            case StartChild() | RetryChild():
                self.children[effect.child] = effect.key
            case SetTimer():
                self._timers[effect.timer] = effect.due
            case ClearTimer():
                self._timers.pop(effect.timer, None)
            case KeepResult():
                self.results.append(effect.result)
            case Finish():
                self._finished += 1
            case _:
                pass

    def _check(self, before: RunState, after: RunState) -> None:
        assert after.status in STATUSES[before.status], f"{before.status} -> {after.status}"
        row = codec.encode_state(after)
        assert codec.decode_state(row) == after
        assert codec.encode_state(codec.decode_state(row)) == row
        kept = Counter((result.path, result.visit, result.attempts) for result in self.results)
        assert not (+(kept - Counter(kept.keys()))), "what one visit came to is kept once"
        now = {frame.id for frame in after.frames}
        if before.status != "failed":  # resumed, it goes on with the groups it fell in
            assert not self._closed & now, "a visit to a group ends once"
        self._closed = (self._closed | {frame.id for frame in before.frames}) - now
        known = {timer.id: timer.due for timer in after.timers}
        assert self._timers.items() <= known.items() if after.status in HALTED else self._timers == known
        assert {effect.key for effect in pending(after) if isinstance(effect, CallAction)} == set(self.calls)
        waiting = [c.job for c in after.cursors if c.job is not None and c.job.kind == "event"]
        assert {f"{after.run}:{job.visit}.{job.attempt}" for job in waiting} == set(self.subscriptions)
        assert {child.run for child in after.children if child.ended is None} == set(self.children)
        check_places(self.flow, after)
        if after.status in TERMINAL:
            check_end(after)
        check_fall(after)


def check_places(flow: Flow, state: RunState) -> None:
    """Cursors, frames and timers refer to each other without loose ends; nothing waits for what never comes."""
    cursors = {cursor.id: cursor for cursor in state.cursors}
    frames = {frame.id: frame for frame in state.frames}
    for cursor in state.cursors:
        assert cursor.frame is None or cursor.frame in frames
        assert cursor.opened is None or frames[cursor.opened].parent == cursor.id
        if state.status not in TERMINAL and state.cancelling is None:
            assert moves(cursor), f"cursor {cursor.id} on {cursor.step!r} can never move again"
            kinds = {timer.kind for timer in state.timers if timer.cursor == cursor.id}
            delayed = cursor.job is not None and cursor.job.delayed
            assert ("retry" in kinds) is (delayed or any(owed.delayed for owed in cursor.owed))
            assert ("moment" in kinds) is (cursor.job is not None and cursor.job.kind == "timer" and not delayed)
    for frame in state.frames:
        node = flow.nodes[frame.name]
        assert isinstance(node, GROUPS)
        lanes = {cursor.lane for cursor in state.cursors if cursor.frame == frame.id}
        assert frame.active == len(lanes), f"{frame} has the lanes {lanes}"
        limit = node.limit if isinstance(node, Parallel | Loop) else 1
        assert frame.active <= limit
        assert frame.joined or cursors[frame.parent].opened == frame.id
        assert not frame.joined or frame.active
        assert frame.within is None or frame.within in frames
    for timer in state.timers:
        assert timer.cursor is None or timer.cursor in cursors


def moves(cursor: Cursor) -> bool:
    """Tell whether something is under way for a cursor."""
    return bool(
        cursor.owed
        or cursor.wait is not None
        or cursor.call is not None
        or cursor.escalation is not None
        or cursor.job is not None
        or cursor.opened is not None
    )


def check_end(state: RunState) -> None:
    """A run that has ended holds nothing."""
    assert not state.timers
    assert not state.frames
    assert not state.groups
    assert not any(moves(cursor) for cursor in state.cursors)
    assert len(state.cursors) == 1
    assert state.ending is not None
    assert state.ending.outcome == state.status


def check_fall(state: RunState) -> None:
    """Where a run fell is known only while that matters."""
    failing = state.ending or state.cancelling
    pending_error = any(owed.phase == "error" for cursor in state.cursors for owed in cursor.owed)
    if state.fell is not None:
        assert pending_error or (failing is not None and failing.outcome == "failed")
        frames = {frame.id for frame in state.fell.frames}
        if failing is not None:
            for cursor in state.fell.cursors:
                assert cursor.frame is None or cursor.frame in frames
                assert cursor.opened is None or cursor.opened in frames
