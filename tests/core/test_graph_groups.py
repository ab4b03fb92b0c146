"""Groups of flow graphs, lane by lane: what is counted, kept, left and taken up again."""

from __future__ import annotations

from collections import Counter

from msgspec import Raw, json
from msgspec.structs import replace

from tests.core.graph_watch import RUN, GraphWatch
from tests.core.graphs import act, decide, graph, listed, loop, n, parallel, sequence, to
from turnflow.core.definition import Flow, Retry
from turnflow.core.effects import CallAction, KeepResult
from turnflow.core.evaluation import Scope, Value
from turnflow.core.events import (
    ActionFailed,
    ActionSucceeded,
    Blocked,
    Migrated,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    RunStarted,
    TimerFired,
)
from turnflow.core.frames import StepResult
from turnflow.core.ids import Json, MailboxId
from turnflow.core.machine import advance, blank
from turnflow.core.nodes import EndStep, Loop, Settings, Template


class Played(GraphWatch):
    """A run whose actions the test ends, one after another."""

    def __init__(self, flow: Flow, given: dict[str, Json] | None = None) -> None:
        super().__init__(flow)
        raw = {name: Raw(json.encode(value)) for name, value in (given or {}).items()}
        self.apply(RunStarted(1_000, flow.name, 1, MailboxId("c"), input=raw))

    @property
    def under_way(self) -> list[str]:
        """Steps whose actions are under way, in order."""
        return [call.step for call in self.calls.values()]

    def ends(self, step: str, output: Json = None) -> None:
        """Let the first action of a step under way succeed."""
        call = next(call for call in self.calls.values() if call.step == step)
        self.apply(ActionSucceeded(2_000, call.key, Raw(json.encode(output))))

    def breaks(self, step: str) -> None:
        """Let it fail."""
        call = next(call for call in self.calls.values() if call.step == step)
        self.apply(ActionFailed(2_000, call.key, "own", "no"))

    def output(self) -> Json:
        """What the run came to."""
        assert self.state.ending is not None
        return None if self.state.ending.result is None else json.decode(self.state.ending.result)


def test_a_repeated_group_forgets_what_its_first_attempt_came_to() -> None:
    again = Settings(retry=Retry(1, 0))
    both = replace(parallel("both", "a b"), settings=again, join="any", limit=1)
    run = Played(graph(both, act("a"), act("b")))
    run.breaks("a")
    run.ends("b", "second")
    assert run.output() == [None, "second"]
    each = replace(loop("each", "work", over="${[1, 2]}"), settings=again)
    run = Played(graph(each, act("work")))
    run.ends("work", "stale")
    run.breaks("work")
    timer = run.state.timers[0]
    run.apply(TimerFired(timer.due, timer.id))
    run.ends("work", "fresh")
    run.ends("work", "fresher")
    assert run.output() == ["fresh", "fresher"]


def test_lanes_left_by_a_join_end_with_the_group_around_them_if_that_fails() -> None:
    inner = replace(parallel("inner", "slow quick", "bad"), join="any", rest="leave")
    around = sequence("around", "inner bad")
    run = Played(graph(around, inner, act("slow"), act("quick"), act("bad")))
    run.ends("quick")
    assert sorted(run.under_way) == ["bad", "slow"]
    run.breaks("bad")
    assert run.state.status == "failed"
    assert run.under_way == []
    assert next(result.status for result in run.results if result.path == "slow") == "cancelled"


def test_what_an_action_came_to_while_its_run_was_blocked_counts_once_it_goes_on() -> None:
    run = Played(graph(act("a", "b"), act("b")))
    key = next(iter(run.calls))
    run.apply(Blocked(1_500, "version 1 is missing"))
    stub = Flow(run.flow.name, 1, run.flow.start, {})
    held = advance(stub, run.state, ActionSucceeded(1_600, key, Raw(b"1"))).state
    assert held.status == "blocked"
    back = advance(run.flow, held, Migrated(1_700, 1), run.evaluate)
    assert [effect.step for effect in back.effects if isinstance(effect, CallAction)] == ["b"]


def test_a_paused_run_that_was_blocked_meanwhile_is_still_paused() -> None:
    run = Played(graph(act("a", "b"), act("b")))
    run.apply(PauseRequested(1_100))
    run.apply(Blocked(1_200, "version 1 is missing"))
    run.apply(Migrated(1_300, 1))
    assert run.state.status == "paused"
    run.ends("a")
    assert run.under_way == []
    run.apply(ResumeRequested(2_100))
    assert run.under_way == ["b"]


def test_a_failure_that_the_author_made_the_end_of_the_run_cannot_be_resumed() -> None:
    run = Played(graph(act("a", to("over", error="own"), "b"), act("b"), EndStep(n("over"), "failed")))
    run.breaks("a")
    assert run.state.status == "failed"
    assert run.state.fell is None
    assert run.apply(RetryRequested(3_000)).state.status == "failed"


def test_a_condition_of_a_loop_that_fails_is_tested_again_when_the_run_is_resumed() -> None:
    rounds = Loop(n("each"), listed("work"), until="output.done")
    run = Played(graph(rounds, act("work")))
    run.ends("work", {"none": 1})
    assert run.state.status == "failed"
    run.apply(RetryRequested(3_000))
    assert run.state.status == "failed"
    assert sum(1 for result in run.results if result.path == "each[0]/work") == 1, "the round was over"


def test_a_step_that_does_nothing_in_its_group_leaves_no_trace_of_what_came_before() -> None:
    run = Played(graph(act("a", "s"), sequence("s", "d", "b"), decide("d"), act("b", input={"x": "${has(output.x)}"})))
    run.ends("a", {"x": 1})
    result = next(result for result in run.results if result.path == "s")
    assert result.ref == ""


def test_ten_thousand_items_cost_the_same_each_and_are_joined_once() -> None:
    """Counted in work, not in time: cursors looked at, rows written, expressions evaluated."""
    size = 10_000
    flow = graph(replace(loop("each", "work", over="${input.items}"), limit=8), act("work", input={"i": "${item}"}))
    asked: Counter[str] = Counter()
    kept: list[StepResult] = []
    items = Raw(json.encode(list(range(size))))

    def evaluate(what: Template | str, scope: Scope) -> Value:
        asked[str(what)[:40]] += 1
        return Value(items if "input.items" in str(what) else Raw(b"1"))

    started = RunStarted(1, flow.name, 1, MailboxId("c"), input={"items": items})
    decision = advance(flow, blank(RUN), started, evaluate)
    todo = list(decision.effects)
    state, widest = decision.state, 0
    while todo:
        effect = todo.pop(0)
        if isinstance(effect, CallAction):
            decision = advance(flow, state, ActionSucceeded(2, effect.key, Raw(b"1")), evaluate)
            state = decision.state
            todo += decision.effects
            widest = max(widest, len(state.cursors), len(decision.effects))
        elif isinstance(effect, KeepResult):
            kept.append(effect.result)
    assert state.status == "completed"
    assert widest <= 12
    assert sum(1 for result in kept if result.path == "each") == 1
    assert len(kept) == 2 * size + 2
    assert sum(asked.values()) == size + 2
