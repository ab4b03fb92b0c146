"""Laws of the machine, for flows, events and answers of every kind: what `Watch` checks after each event, and replay.

`make test` tries a few hundred runs; `EFFORT=50 make test ARGS=tests/core/test_laws.py` tries fifty times as many.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec import json

from tests.core.dice import EFFORT, Dice
from tests.core.random_events import Nature
from tests.core.random_flows import a_flow
from tests.core.watch import Watch
from turnflow.core import codec
from turnflow.core.definition import Flow
from turnflow.core.events import Event, InputReceived, Migrated, RunStarted
from turnflow.core.ids import FlowName, RunId
from turnflow.core.machine import STATUSES, Entry, Ignored, advance, blank, pending, replay, sealed
from turnflow.core.state import TERMINAL, RunState
from turnflow.core.validation import problems

FLOWS = st.binary(min_size=60, max_size=600).map(Dice).map(a_flow)
EVENTS = st.binary(min_size=300, max_size=3_000).map(Dice)
STEPS = 150


def lived(flow: Flow, dice: Dice) -> Watch:
    """A run to which random things happened, each of them checked."""
    watch = Watch(flow)
    nature = Nature(dice, flow)
    watch.apply(nature.start())
    for _ in range(STEPS):
        if dice.empty or watch.state.status in TERMINAL:
            break
        watch.apply(nature.next(watch.state))
    return watch


@given(FLOWS)
def test_every_random_flow_is_valid(flow: Flow) -> None:
    assert problems(flow) == ()


@settings(max_examples=500 * EFFORT)
@given(FLOWS, EVENTS)
def test_whatever_happens_to_a_run_it_is_never_left_in_pieces(flow: Flow, dice: Dice) -> None:
    event(f"ends {lived(flow, dice).state.status}")


@settings(max_examples=150 * EFFORT)
@given(FLOWS, EVENTS, st.lists(st.integers(1, 4), max_size=40))
def test_replaying_the_journal_gives_the_same_state_from_any_snapshot(flow: Flow, dice: Dice, sizes: list[int]) -> None:
    watch = lived(flow, dice)
    definitions: Mapping[tuple[FlowName, int], Flow] = {(watch.flow.name, watch.flow.version): watch.flow}
    snapshots, entries = [blank(RunId("r"))], list[Entry]()
    todo = list(watch.events)
    while todo:
        size = sizes.pop() if sizes else 1
        events, todo = tuple(todo[:size]), todo[size:]
        state = snapshots[-1]
        for each in events:
            state = advance(watch.flow, state, each).state
        snapshots.append(sealed(state))
        entries.append(Entry(len(snapshots) - 1, events))
    stored = [codec.decode_entry(codec.encode_entry(entry)) for entry in entries]
    assert stored == entries
    assert rows(replay(blank(RunId("r")), definitions, stored)) == rows(snapshots[-1])
    for first in range(0, len(snapshots), 7):
        base = codec.decode_state(codec.encode_state(snapshots[first])) if first else snapshots[0]
        for last in (first, (first + len(snapshots)) // 2, len(snapshots) - 1):
            assert rows(replay(base, definitions, stored[first:last])) == rows(snapshots[last])


def rows(state: RunState) -> bytes:
    return codec.encode_state(state)


@settings(max_examples=150 * EFFORT)
@given(FLOWS, EVENTS)
def test_a_process_that_takes_over_computes_what_the_first_one_would_have(flow: Flow, dice: Dice) -> None:
    """Every event is applied to the state as the store gives it back, by nothing but that."""
    nature = Nature(dice, flow)
    here = blank(RunId("r"))
    there = here
    happened: Event = nature.start()
    for _ in range(STEPS):
        one, other = advance(flow, here, happened), advance(flow, there, happened)
        assert one.verdict == other.verdict
        assert json.encode(one.effects) == json.encode(other.effects)
        assert rows(one.state) == rows(other.state)
        here, there = one.state, codec.decode_state(rows(other.state))
        assert json.encode(pending(here)) == json.encode(pending(there))
        if dice.empty or here.status in TERMINAL:
            break
        happened = nature.next(here)


@given(FLOWS, EVENTS)
def test_a_run_that_has_ended_never_changes(flow: Flow, dice: Dice) -> None:
    watch = lived(flow, dice)
    if watch.state.status not in TERMINAL:
        return
    nature = Nature(Dice(bytes(range(256))), watch.flow)
    for _ in range(30):
        decision = advance(watch.flow, watch.state, nature.next(watch.state))
        assert decision.state is watch.state
        assert decision.effects == ()
        assert decision.verdict == Ignored("ended")


@given(FLOWS, EVENTS)
def test_nothing_but_its_start_begins_a_run(flow: Flow, dice: Dice) -> None:
    nature = Nature(dice, flow)
    unborn = blank(RunId("r"))
    for _ in range(20):
        happened = nature.next(unborn)
        if not isinstance(happened, RunStarted):
            decision = advance(flow, unborn, happened)
            assert decision.state is unborn
            assert decision.verdict == Ignored("not_started")
    started = advance(flow, unborn, nature.start()).state
    if started.status not in TERMINAL:
        assert advance(flow, started, nature.start()).verdict == Ignored("started")


@given(FLOWS, EVENTS)
def test_a_run_survives_that_its_flow_is_gone(flow: Flow, dice: Dice) -> None:
    """The engine hands over an empty definition for a run whose flow is missing: nothing of the run may break or get lost."""
    watch = lived(flow, dice)
    before = watch.state
    if before.status in TERMINAL or before.ending is not None or before.cancelling is not None:
        return
    stub = Flow(watch.flow.name, watch.flow.version, watch.flow.start, {})
    nature = Nature(Dice(bytes(reversed(range(256))) * 2), watch.flow)
    state = watch.apply_blocked("its flow is gone")
    for _ in range(25):
        happened = nature.next(state)
        state = advance(stub, state, happened).state
        assert codec.decode_state(rows(state)) == state
        if state.status != "blocked":
            assert state.status in STATUSES["blocked"]
            assert state.status in ("cancelled", "waiting")
            break
        assert {timer.id for timer in state.timers} == {timer.id for timer in before.timers}
        assert [cursor.wait for cursor in state.cursors] == [cursor.wait for cursor in before.cursors]
        kept = len(state.backlog)
        if isinstance(happened, InputReceived):
            assert state.backlog[-1] == happened.input
        assert kept >= len(before.backlog)
    else:
        back = advance(watch.flow, state, Migrated(nature.at, watch.flow.version))
        assert back.state.status != "blocked"


@pytest.mark.parametrize("size", [0, 3])
def test_empty_dice_make_the_plainest_run(size: int) -> None:
    watch = lived(a_flow(Dice(bytes(size))), Dice(bytes(size)))
    assert watch.state.status in ("running", "waiting")
