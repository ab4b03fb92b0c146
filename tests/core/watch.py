"""What must hold after every single event, whatever the flow, the state and the event: used by all tests of the machine."""

from __future__ import annotations

from msgspec import json

from turnflow.core import codec
from turnflow.core.definition import Flow
from turnflow.core.effects import AnswerPress, ClearTimer, Effect, Release, RunHandler, Say, SetTimer
from turnflow.core.events import (
    Blocked,
    Event,
    InputReceived,
    InputSetAside,
    Migrated,
    TimerFired,
)
from turnflow.core.ids import EffectKey, GroupId, InputId, RunId, TimerId
from turnflow.core.inputs import Input
from turnflow.core.machine import STATUSES, Decision, Ignored, advance, pending
from turnflow.core.state import TERMINAL, Cursor, RunState, blank

HALTED = ("blocked", "stuck")


class Watch:
    """One run and its history, checked event by event. `definitions` by version; `flow` is the one the run follows now."""

    def __init__(self, flow: Flow, run: str = "r") -> None:
        self.flow = flow
        self.state = blank(RunId(run))
        self.events: list[Event] = []
        """Accepted events: what the journal keeps."""
        self.effects: list[Effect] = []
        self.pressed: set[InputId] = set()
        """Presses that have been answered."""
        self._keys: set[EffectKey] = set()
        self._halted: set[EffectKey] = set()
        self._timers: dict[TimerId, int] = {}
        self._asked: RunHandler | None = None
        self._closed: set[GroupId] = set()

    def apply(self, event: Event) -> Decision:
        """Advance by one event and check everything that must hold."""
        before = self.state
        decision = advance(self.flow, before, event)
        again = advance(self.flow, before, event)
        assert codec.encode_state(decision.state) == codec.encode_state(again.state)
        assert json.encode(decision.effects) == json.encode(again.effects)
        assert decision == again
        if isinstance(decision.verdict, Ignored):
            assert decision.verdict.reason
            assert decision.state is before
            assert all(isinstance(effect, AnswerPress) for effect in decision.effects)
        else:
            self._check_change(before, event, decision)
            self.events.append(event)
        self.effects.extend(decision.effects)
        self._check_presses(event, decision)
        self.state = decision.state
        return decision

    @property
    def asked(self) -> RunHandler:
        """The piece of user code that was last asked for."""
        assert self._asked is not None
        return self._asked

    def apply_blocked(self, reason: str) -> RunState:
        """Block the run, unless it is already, and return its state."""
        self.apply(Blocked(self.state.updated, reason))
        return self.state

    def _check_change(self, before: RunState, event: Event, decision: Decision) -> None:
        after = decision.state
        assert before.status not in TERMINAL, "a run that has ended changes no more"
        assert after.status in STATUSES[before.status], f"{before.status} -> {after.status}"
        assert after.serial >= before.serial
        assert after.run == before.run
        assert after.revision == before.revision
        self._check_keys(before, event, decision)
        self._check_timers(before, event, decision)
        self._check_calls(decision)
        check_inputs(before, event, decision)
        row = codec.encode_state(after)
        assert codec.decode_state(row) == after
        assert codec.encode_state(codec.decode_state(row)) == row
        check_structure(self.flow, after)
        check_movable(after)
        gone = {group.id for group in before.groups} - {group.id for group in after.groups}
        self._closed |= gone
        assert not self._closed & {group.id for group in after.groups}, "a visit to a group ends once"

    def _check_keys(self, before: RunState, event: Event, decision: Decision) -> None:
        if isinstance(event, Blocked | InputSetAside | Migrated) and before.inflight is not None:
            self._halted.add(before.inflight)
        for effect in decision.effects:
            if isinstance(effect, AnswerPress):
                continue
            if isinstance(effect, RunHandler) and effect.key in self._halted:
                continue  # a call that was interrupted is asked for again, under the same identity
            assert effect.key not in self._keys, f"{effect.key} was used before"
            self._keys.add(effect.key)

    def _check_timers(self, before: RunState, event: Event, decision: Decision) -> None:
        """The store has the timers that were set and neither cleared nor fired; a halted run remembers those that fired."""
        rows, after = self._timers, decision.state
        known = {timer.id: timer.due for timer in before.timers}
        if isinstance(event, TimerFired):
            assert known[event.timer] <= event.at, "never early"
            rows.pop(event.timer, None)
        for effect in decision.effects:
            if isinstance(effect, SetTimer):
                rows[effect.timer] = effect.due
            elif isinstance(effect, ClearTimer):
                rows.pop(effect.timer, None)
        remembered = {timer.id: timer.due for timer in after.timers}
        if after.status in HALTED:
            assert rows.items() <= remembered.items()
        else:
            assert rows == remembered
        if after.status in TERMINAL:
            assert not rows

    def _check_calls(self, decision: Decision) -> None:
        asked = [effect for effect in decision.effects if isinstance(effect, RunHandler)]
        assert len(asked) <= 1, "one piece of user code at a time"
        if asked:
            self._asked = asked[0]
        if decision.state.inflight is None:
            assert pending(decision.state) == ()
            assert not asked
        else:
            assert pending(decision.state) == (self._asked,)
            assert self._asked is not None
            assert self._asked.key == decision.state.inflight

    def _check_presses(self, event: Event, decision: Decision) -> None:
        answered = [effect.press for effect in decision.effects if isinstance(effect, AnswerPress)]
        released = [i.id for e in decision.effects if isinstance(e, Release) for i in e.inputs if i.kind == "press"]
        assert not released, "a press was answered when it came; nobody could answer it again"
        if isinstance(event, InputSetAside):
            return
        if isinstance(event, InputReceived) and event.input.kind == "press" and self.state.status not in TERMINAL:
            if not isinstance(decision.verdict, Ignored) or decision.verdict.reason != "not_started":
                assert answered == [event.input.id], "each press is answered once"
        else:
            assert not answered


def check_inputs(before: RunState, event: Event, decision: Decision) -> None:
    """No input is lost: it is handed to a wait, answered, kept, or given back to be routed anew."""
    after = decision.state
    taken = [owed.input for cursor in after.cursors for owed in cursor.owed]
    taken += [input for cursor in after.cursors if cursor.wait is not None for input in cursor.wait.gathered]
    taken += [input for group in after.groups for input in group.undecided]
    taken += [input for effect in decision.effects if isinstance(effect, Release) for input in effect.inputs]
    ids = {input.id for input in (*taken, *after.backlog) if input is not None}
    if isinstance(event, InputReceived):
        said = any(isinstance(effect, Say) for effect in decision.effects)
        named = event.input.kind in ("press", "text")  # it chose from a menu
        assert event.input.id in ids or said or named or is_outdated(event.input, after), "accepted, and then forgotten"
    for input in before.backlog:
        assert input.id in ids or input.kind == "press" or is_outdated(input, after), "kept, and then forgotten"


def is_outdated(input: Input, state: RunState) -> bool:
    """Tell whether an input was sent before a new version put a cursor onto a step that has just asked anew."""
    return any(cursor.moved >= input.at for cursor in state.cursors)


def check_structure(flow: Flow, state: RunState) -> None:
    """Cursors, groups and timers refer to each other without loose ends."""
    cursors = {cursor.id: cursor for cursor in state.cursors}
    groups = {group.id: group for group in state.groups}
    assert len(cursors) == len(state.cursors)
    for cursor in state.cursors:
        if cursor.id == 0:
            assert cursor.group is None
        else:
            assert cursor.group is not None
            owner = groups[cursor.group]
            assert [b.head for b in owner.branches if b.cursor == cursor.id] == [cursor.head]
        if cursor.opened is not None:
            assert groups[cursor.opened].parent == cursor.id
        if state.status not in HALTED and state.cancelling is None:
            _check_cursor(flow, state, cursor)
    for group in state.groups:
        assert cursors[group.parent].opened == group.id
        assert group.name in flow.groups
        assert any(branch.cursor is not None for branch in group.branches) or group.menu or group.reopened
        for branch in group.branches:
            assert branch.cursor is None or branch.cursor in cursors
    for timer in state.timers:
        assert timer.cursor is None or timer.cursor in cursors
        assert timer.group is None or timer.group in groups
    if state.status in TERMINAL:
        assert not state.timers
        assert not state.backlog
        assert not state.children or state.status == "completed"
        assert not any(cursor.wait or cursor.owed or cursor.call or cursor.escalation for cursor in state.cursors)
        assert state.ending is not None
        assert state.ending.outcome == state.status


def _check_cursor(flow: Flow, state: RunState, cursor: Cursor) -> None:
    """Every cursor of a live run has something that moves it."""
    kinds = {timer.kind for timer in state.timers if timer.cursor == cursor.id}
    if cursor.owed and cursor.owed[0].delayed:
        assert "retry" in kinds
    if cursor.wait is not None:
        step = flow.steps.get(cursor.step)
        assert cursor.wait.spec is not None or (step is not None and step.question is not None)
        assert not cursor.wait.gathered or "gather" in kinds
        assert not cursor.wait.expired or cursor.owed or cursor.wait.gathered
    else:
        assert not kinds & {"wait", "remind", "gather"}
    if state.status not in TERMINAL:
        holds = (cursor.owed, cursor.wait, cursor.call, cursor.escalation, cursor.opened is not None)
        assert any(holds), f"cursor {cursor.id} on {cursor.step!r} can never move again"


def check_movable(state: RunState) -> None:
    """A live run can be moved by something: no run is left that nothing ever reaches."""
    if state.status in TERMINAL:
        return
    if state.status in HALTED:
        assert state.reason
        return
    if state.cancelling is not None:
        assert state.children
        return
    if state.status == "running":
        assert state.inflight is not None
        return
    assert state.status == "waiting"
    assert state.inflight is None
    moving = [
        cursor.wait is not None or cursor.call is not None or cursor.escalation is not None or bool(cursor.owed)
        for cursor in state.cursors
    ]
    assert any(moving) or any(group.menu is not None for group in state.groups)
    for cursor in state.cursors:
        assert not cursor.owed or cursor.owed[0].delayed, "code that is due has been asked for"
        assert cursor.call is None or any(child.run == cursor.call.child for child in state.children)
