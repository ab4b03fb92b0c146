"""F1, F3 and F5 for flow graphs: retries, ways on after failures, what is cancelled and kept, and going on where a run failed."""

from __future__ import annotations

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.graph_house import House, code, ended, kept, reached, result
from turnflow.core.ids import Json


@pytest.fixture
def house() -> House:
    return House()


def one(step: str, *more: str) -> str:
    """A flow `f` that begins with a step; `good` and `bad` end it."""
    return "\n".join(
        (
            "flow: f",
            "start: a",
            "steps:",
            f"  a: {step}",
            "  good: {kind: end, output: good}",
            "  bad: {kind: end, output: 'bad ${error.code}'}",
            *(f"  {line}" for line in more),
        )
    )


@pytest.mark.parametrize(
    ("step", "attempts", "came_to"),
    [
        (
            "{action: flaky, input: {name: x, times: 2}, settings: {retry: {count: 2, delay: 0s}},"
            " outputs: [{error: [own], to: bad}, {to: good}]}",
            3,
            "good",
        ),
        (
            "{action: fail, input: {name: x}, settings: {retry: {count: 2, delay: 0s}},"
            " outputs: [{error: [own], to: bad}, {to: good}]}",
            3,
            "bad own",
        ),
        (
            "{action: fail, input: {name: x}, settings: {retry: {count: 1, delay: 0s}, continueOnError: true},"
            " outputs: [{error: [other], to: bad}, {to: good}]}",
            2,
            "good",
        ),
        (
            "{action: fail, input: {name: x}, settings: {retry: {count: 5, delay: 0s, on: [other]}},"
            " outputs: [{error: ['o*'], to: bad}, {to: good}]}",
            1,
            "bad own",
        ),
    ],
    ids=["retries", "then_the_error_output", "else_the_default", "retries_only_on_what_is_named"],
)
async def test_f1_retries_come_before_error_outputs_and_those_before_the_default_output(
    rehearse: Rehearsing, house: House, step: str, attempts: int, came_to: str
) -> None:
    async with rehearse(house.registry(one(step))) as play:
        run = await play.engine.start("f")
        assert result(await ended(play, run)) == came_to
        assert house.tried["x"] == attempts


async def test_f1_a_failure_that_nothing_takes_fails_the_run_with_code_message_step_and_attempt(
    rehearse: Rehearsing, house: House
) -> None:
    step = "{action: fail, input: {name: x}, settings: {retry: {count: 1, delay: 0s}},"
    step += " outputs: [{error: [other], to: bad}, {to: good}]}"
    async with rehearse(house.registry(one(step))) as play:
        state = await ended(play, await play.engine.start("f"))
        assert state.ending is not None
        assert state.ending.error is not None
        error = state.ending.error
        assert (error.code, error.message, error.step, error.attempt) == ("own", "no", "a", 2)


BOTH = """
flow: f
start: both
steps:
  quick: {action: do, input: {value: 1}}
  slow: {action: hold, input: {name: slow}}
  wait: {action: hold, input: {name: wait}}
  bad: {action: fail, input: {name: bad}}
  bears: {kind: end, output: "${has(steps.quick.output) ? steps.quick.output : 0} ${error.code}"}
groups:
  failing: {kind: sequential, steps: [wait, bad]}
  both: {kind: parallel, steps: [quick, slow, failing], outputs: [%s]}
"""


async def test_f1_one_failing_branch_cancels_its_siblings_and_keeps_what_they_came_to(
    rehearse: Rehearsing, house: House
) -> None:
    async with rehearse(house.registry(BOTH % "{error: [own], to: bears}")) as play:
        run = await play.engine.start("f")
        await reached(play, run, "running")
        house.open("wait")
        assert result(await ended(play, run)) == "1 own"
        assert house.ended == ["slow"]
        found = await kept(play, run)
        assert {path: found[path] for path in ("quick", "slow", "bad", "both")} == {
            "quick": "completed", "slow": "cancelled", "bad": "failed", "both": "failed",
        }  # fmt: skip


LOOP = """
flow: f
start: each
steps:
  work: {action: flaky, input: {name: "i${item}", bad: "${item == 3}", value: "${item * 10}"}}
  done: {kind: end, output: "${steps.each.output}"}
groups:
  each: {kind: loop, over: "${[1, 2, 3, 4]}", steps: [work], outputs: [{to: done}]}
"""
NESTED = """
flow: outer
start: both
steps:
  inner: {flow: f}
  other: {action: do, input: {value: 1}}
  done: {kind: end, output: "${steps.both.output}"}
groups:
  both: {kind: parallel, steps: [other, inner], outputs: [{to: done}]}
"""


@pytest.mark.parametrize(
    ("flow", "came_to"),
    [("f", [10, 20, 30, 40]), ("outer", [1, [10, 20, 30, 40]])],
    ids=["in_a_loop", "in_a_flow_in_a_group"],
)
async def test_f5_a_failed_run_goes_on_at_the_item_that_failed_and_repeats_nothing_else(
    rehearse: Rehearsing, house: House, flow: str, came_to: Json
) -> None:
    async with rehearse(house.registry(LOOP, NESTED)) as play:
        run = await play.engine.start(flow)
        assert code(await ended(play, run)) in ("own", "child_failed")
        house.broken = False
        await play.engine.tasks.retry(run, by="ada")
        assert result(await reached(play, run, "completed")) == came_to
        assert house.tried == {"i1": 1, "i2": 1, "i3": 2, "i4": 1}
        assert house.done == ([1] if flow == "outer" else [])


async def test_f5_a_failing_branch_is_resumed_with_the_siblings_that_it_cancelled(
    rehearse: Rehearsing, house: House
) -> None:
    flow = BOTH.replace("action: fail", "action: flaky").replace("${error.code}", "again") % "{to: bears}"
    async with rehearse(house.registry(flow)) as play:
        run = await play.engine.start("f")
        await reached(play, run, "running")
        house.open("wait")
        assert code(await ended(play, run)) == "own"
        house.broken = False
        house.open("slow")
        await play.engine.tasks.retry(run, by="ada")
        assert result(await reached(play, run, "completed")) == "1 again"
        assert house.done == [1]
        assert house.tried == {"slow": 2, "wait": 1, "bad": 2}


async def test_f1_a_group_is_repeated_as_a_whole_by_its_own_retry(rehearse: Rehearsing, house: House) -> None:
    flow = """
flow: f
start: both
steps:
  a: {action: do, input: {value: 1}}
  b: {action: flaky, input: {name: b, times: 2}}
  done: {kind: end, output: "${steps.both.output}"}
groups:
  both: {kind: parallel, steps: [a, b], settings: {retry: {count: 2, delay: 1s}}, outputs: [{to: done}]}
"""
    async with rehearse(house.registry(flow)) as play:
        run = await play.engine.start("f")
        for _ in range(3):
            await reached(play, run, "waiting", "completed")
            await play.clock(seconds=2)
        assert result(await ended(play, run)) == [1, "b"]
        assert house.tried["b"] == 3


LEVELS = """
flow: low
start: work
steps:
  work: {action: hold, input: {name: deep}}
---
flow: middle
start: both
steps:
  call: {flow: low}
  beside: {action: hold, input: {name: beside}}
groups:
  both: {kind: parallel, steps: [call, beside]}
---
flow: top
start: call
steps:
  call: {flow: middle}
"""


async def test_e4_cancelling_a_run_ends_everything_below_it(rehearse: Rehearsing, house: House) -> None:
    async with rehearse(house.registry(*LEVELS.split("---"))) as play:
        run = await play.engine.start("top")
        await reached(play, run, "waiting")
        await play.settle()
        await play.engine.tasks.cancel(run, by="ada")
        assert (await ended(play, run)).status == "cancelled"
        states = await play.runs()
        assert {state.flow: state.status for state in states} == dict.fromkeys(("low", "middle", "top"), "cancelled")
        assert sorted(house.ended) == ["beside", "deep"]
        assert all(not state.timers and not state.children and not state.frames for state in states)
