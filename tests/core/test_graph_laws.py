"""Laws of the machine for flow graphs: what `GraphWatch` checks after each event, and replay.

`EFFORT=50 make test ARGS=tests/core/test_graph_laws.py` tries fifty times as many runs.
"""

from __future__ import annotations

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.core.dice import EFFORT, Dice
from tests.core.graph_nature import GraphNature
from tests.core.graph_watch import RUN, GraphWatch
from tests.core.random_graphs import a_graph
from turnflow.core import codec
from turnflow.core.definition import Flow
from turnflow.core.machine import blank, replay
from turnflow.core.state import TERMINAL

GRAPHS = st.binary(min_size=30, max_size=300).map(Dice).map(a_graph)
EVENTS = st.binary(min_size=200, max_size=2_000).map(Dice)
STEPS = 150


def lived(flow: Flow, dice: Dice) -> GraphWatch:
    """A run to which random things happened, each of them checked."""
    watch = GraphWatch(flow)
    nature = GraphNature(dice, flow)
    watch.apply(nature.start())
    for _ in range(STEPS):
        if dice.empty or watch.state.status in ("completed", "cancelled"):
            break
        watch.apply(nature.next(watch))
    return watch


@settings(max_examples=400 * EFFORT)
@given(GRAPHS, EVENTS)
def test_whatever_happens_to_a_graph_it_is_never_left_in_pieces(flow: Flow, dice: Dice) -> None:
    event(f"ends {lived(flow, dice).state.status}")


@settings(max_examples=100 * EFFORT)
@given(GRAPHS, EVENTS)
def test_replaying_the_journal_of_a_graph_gives_its_state_without_evaluating_anything(flow: Flow, dice: Dice) -> None:
    watch = lived(flow, dice)
    stored = [codec.decode_entry(codec.encode_entry(entry)) for entry in watch.entries]
    assert stored == watch.entries
    told = replay(blank(RUN), {(flow.name, flow.version): flow}, stored)
    assert codec.encode_state(told) == codec.encode_state(watch.state)
    event(f"ends {watch.state.status in TERMINAL}")
