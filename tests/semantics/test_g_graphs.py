"""G1 to G4 for flow graphs: expressions, groups, joins, loops, forks and ends."""

from __future__ import annotations

import asyncio

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.graph_house import House, code, ended, kept, reached, result
from turnflow.core.ids import Json


@pytest.fixture
def house() -> House:
    return House()


VALUE = """
flow: f
start: a
steps:
  a: {action: do, input: {value: %s}}
"""


@pytest.mark.parametrize(
    ("value", "came_to"),
    [
        ('"${input.n}"', 3),
        ('"${input.list}"', [1, "x"]),
        ('"${input.n} times"', "3 times"),
        ('{deep: ["${input.n > 2}"]}', {"deep": [True]}),
        ('"${input.text}"', "${1 + 1}"),
        ('"say ${input.text}"', "say ${1 + 1}"),
        ("\"${has(input.none) ? 'there' : 'absent'}\"", "absent"),
    ],
)
async def test_g2_a_leaf_keeps_its_type_and_a_value_is_never_evaluated_again(
    rehearse: Rehearsing, house: House, value: str, came_to: Json
) -> None:
    async with rehearse(house.registry(VALUE % value)) as play:
        run = await play.engine.start("f", {"n": 3, "list": [1, "x"], "text": "${1 + 1}"})
        assert result(await ended(play, run)) == came_to


async def test_g2_what_is_undefined_is_a_failure_before_the_action_begins(rehearse: Rehearsing, house: House) -> None:
    async with rehearse(house.registry(VALUE % '"${input.none}"')) as play:
        assert code(await ended(play, await play.engine.start("f"))) == "expression"
        assert house.done == []


PARALLEL = """
flow: f
start: all
steps:
  a: {action: hold, input: {name: a}}
  b: {action: hold, input: {name: b}}
  c: {action: fail, input: {name: c}}
  done: {kind: end, output: "${steps.all.output}"}
groups:
  failing: {kind: sequential, steps: [c]}
  all: {kind: parallel, steps: [a, b, failing], %s, outputs: [{to: done}]}
"""


@pytest.mark.parametrize(
    ("how", "came_to", "cancelled"),
    [
        ("join: settled", ["a", "b", None], []),
        ("join: any", [None, "b", None], ["a"]),
        ("join: n, need: 2", ["a", "b", None], []),
    ],
)
async def test_g3_a_join_waits_for_what_it_says_and_bears_failures_as_far_as_that_allows(
    rehearse: Rehearsing, house: House, how: str, came_to: Json, cancelled: list[str]
) -> None:
    async with rehearse(house.registry(PARALLEL % how)) as play:
        run = await play.engine.start("f")
        await reached(play, run, "running")
        house.open("b")
        if not cancelled:
            await play.settle()
            house.open("a")
        assert result(await ended(play, run)) == came_to
        assert house.ended == cancelled


async def test_g3_results_are_in_the_order_of_the_branches_whatever_ends_first(
    rehearse: Rehearsing, house: House
) -> None:
    async with rehearse(house.registry(ORDERED)) as play:
        run = await play.engine.start("f")
        await reached(play, run, "running")
        for name in ("i2", "i0", "i1"):
            house.open(name)
            await play.settle()
        assert result(await ended(play, run)) == ["i0", "i1", "i2"]


ORDERED = """
flow: f
start: each
steps:
  work: {action: hold, input: {name: "i${index}"}}
  done: {kind: end, output: "${steps.each.output}"}
groups:
  each: {kind: loop, over: "${[5, 6, 7]}", limit: 3, steps: [work], outputs: [{to: done}]}
"""
LEFT = """
flow: f
start: all
steps:
  a: {action: hold, input: {name: a}}
  b: {action: do, input: {value: b}}
  after: {action: do, input: {value: after}}
groups:
  all: {kind: parallel, steps: [a, b], join: any, rest: leave, outputs: [{to: after}]}
"""


async def test_g3_branches_left_to_themselves_go_on_beside_the_rest_and_the_run_ends_after_them(
    rehearse: Rehearsing, house: House
) -> None:
    async with rehearse(house.registry(LEFT)) as play:
        run = await play.engine.start("f")
        async with asyncio.timeout(20):
            while house.done != ["b", "after"]:
                await asyncio.sleep(0.002)
        state = await reached(play, run, "running")
        assert [cursor.step for cursor in state.cursors] == ["a"]
        house.open("a")
        assert (await ended(play, run)).status == "completed"
        assert house.done == ["b", "after"]
        assert house.ended == []


@pytest.mark.parametrize(
    ("how", "came_to"),
    [
        ('while: "index < 3"', [0, 1, 2]),
        ('until: "output == 2"', [0, 1, 2]),
        ('over: "${[7, 8]}"', [0, 1]),
        ('over: "${[]}"', []),
        ("over: [7, 8, 9], limit: 2", [0, 1, 2]),
    ],
)
async def test_g3_a_loop_goes_over_items_or_as_long_as_its_condition_says(
    rehearse: Rehearsing, house: House, how: str, came_to: Json
) -> None:
    flow = f"""
flow: f
start: each
steps:
  work: {{action: do, input: {{value: "${{index}}"}}}}
  done: {{kind: end, output: "${{steps.each.output}}"}}
groups:
  each: {{kind: loop, {how}, steps: [work], outputs: [{{to: done}}]}}
"""
    async with rehearse(house.registry(flow)) as play:
        assert result(await ended(play, await play.engine.start("f"))) == came_to


async def test_g3_a_loop_has_no_more_rounds_than_it_may_and_skips_items_where_it_says_so(
    rehearse: Rehearsing, house: House
) -> None:
    endless = ORDERED.replace('over: "${[5, 6, 7]}", limit: 3', 'while: "true", maxIterations: 4').replace("hold", "do")
    skipping = ORDERED.replace("flow: f", "flow: g").replace("limit: 3", "onItemError: skip")
    skipping = skipping.replace(
        'hold, input: {name: "i${index}"}', 'flaky, input: {name: "i${index}", bad: "${index == 1}"}'
    )
    async with rehearse(house.registry(endless, skipping)) as play:
        assert code(await ended(play, await play.engine.start("f"))) == "expression"
        assert len(house.done) == 4
        assert result(await ended(play, await play.engine.start("g"))) == ["i0", None, "i2"]


ENDS = """
flow: f
outputSchema: {type: object}
start: a
steps:
  a: {action: do, input: {value: a}, to: [b, c]}
  b: {action: hold, input: {name: b}}
  c: {action: do, input: {value: c}, to: done}
  done: {kind: end, output: %s}
"""


@pytest.mark.parametrize(("output", "good"), [("{ok: true}", True), ("7", False)])
async def test_g4_a_path_forks_and_an_end_cancels_what_is_left_and_is_held_against_the_output_schema(
    rehearse: Rehearsing, house: House, output: str, good: bool
) -> None:
    async with rehearse(house.registry(ENDS % output)) as play:
        run = await play.engine.start("f")
        state = await ended(play, run)
        assert (state.status, house.done, house.ended) == ("completed" if good else "failed", ["a", "c"], ["b"])
        assert (await kept(play, run))["b"] == "cancelled"
        assert result(state) == {"ok": True} if good else code(state) == "expression"


async def test_g4_a_run_without_an_end_completes_once_all_paths_have_ended(rehearse: Rehearsing, house: House) -> None:
    flow = (ENDS % "1").replace("outputSchema: {type: object}\n", "").replace(", to: done}\n", "}\n")
    flow = flow[: flow.index("  done:")]
    async with rehearse(house.registry(flow)) as play:
        run = await play.engine.start("f")
        await reached(play, run, "running")
        assert house.done == ["a", "c"]
        house.open("b")
        assert result(await ended(play, run)) == "b"


DEEP = """
flow: inner
triggers: [{command: go}]
start: both
steps:
  name: {kind: ask, say: "Name ${item}?", accepts: text}
  quick: {action: do, input: {value: q}}
  done: {kind: end, output: "${steps.each.output}"}
groups:
  each: {kind: loop, over: "${[1, 2]}", steps: [name]}
  both: {kind: parallel, steps: [quick, each], outputs: [{to: done}]}
"""
OUTER = """
flow: outer
triggers: [{command: start}]
start: call
steps:
  call: {flow: inner}
"""


async def test_g3_a_question_in_a_loop_in_a_branch_of_a_nested_flow_is_asked_and_answered(
    rehearse: Rehearsing, house: House
) -> None:
    async with rehearse(house.registry(DEEP, OUTER)) as play:
        await play.say("/start")
        await play.clock(milliseconds=1)
        assert await play.say("Ada")
        await play.say("Bob")
        await play.settle()
        outer = next(state for state in await play.runs() if state.flow == "outer")
        assert result(await ended(play, outer.run)) == ["Ada", "Bob"]


async def test_b1_of_questions_side_by_side_the_one_asked_first_is_answered_first(
    rehearse: Rehearsing, house: House
) -> None:
    flow = """
flow: f
triggers: [{command: start}]
start: both
steps:
  name: {kind: ask, say: "Name?", accepts: text}
  city: {kind: ask, say: "City?", accepts: text}
  done: {kind: end, output: "${steps.both.output}"}
groups:
  both: {kind: parallel, steps: [name, city], outputs: [{to: done}]}
"""
    async with rehearse(house.registry(flow)) as play:
        assert await play.say("/start") == ["Name?", "City?"]
        await play.say("Ada")
        await play.say("Paris")
        (state,) = await play.runs()
        assert result(await ended(play, state.run)) == ["Ada", "Paris"]
