"""What expressions refer to has to be there when they are evaluated (semantics A8, G2)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.graphs import act, ask, decide, end, graph, loop, n, parallel, say, sequence, sleep, template, to
from turnflow.core.definition import Flow, HandlerStep
from turnflow.core.ids import Json
from turnflow.core.nodes import EventStep, FlowStep, Loop, Node, Poll, Settings, TimerStep
from turnflow.core.validation import problems
from turnflow.declarative.checking import check
from turnflow.declarative.graph_flow import GraphFlow
from turnflow.declarative.references import reference_problems

ORDER: dict[str, Json] = {
    "type": "object",
    "properties": {
        "orderId": {"type": "string"},
        "lines": {"type": "array"},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False},
        "extra": {"type": "object", "properties": {"a": {}}, "additionalProperties": True},
        "either": {"anyOf": [{"type": "object"}, {"type": "string"}]},
        "free": {},
    },
}


def found(*steps: HandlerStep | Node) -> list[tuple[str, str]]:
    """Codes and paths of what the expressions of a graph have wrong, whose shape has nothing wrong."""
    flow = graph(*steps)
    assert problems(flow) == ()
    return [(problem.code, problem.path) for problem in reference_problems(flow)]


def message(*steps: HandlerStep | Node) -> str:
    (problem,) = reference_problems(graph(*steps))
    return problem.message


def about(expression: str, **schemas: dict[str, Json]) -> list[str]:
    """Codes of what is wrong with an expression in the only step of a graph with schemas."""
    flow = replace(graph(act("a", input={"x": f"${{{expression}}}"})), **schemas)
    return [problem.code for problem in reference_problems(flow)]


# --- steps


def test_an_unknown_step_is_a_problem_at_its_expression_and_suggests_the_name_that_was_meant() -> None:
    steps = (act("lookup", "tell"), say("tell", "It is ${steps.lokup.output.total}."))
    assert found(*steps) == [("unknown_step", "steps.tell.text")]
    assert "did you mean 'lookup'?" in message(*steps)


def test_a_step_has_an_output_and_an_error_and_nothing_else() -> None:
    steps = (act("a", "b"), act("b", input="${steps.a.ouput.total}"))
    assert found(*steps) == [("unknown_field", "steps.b.input")]
    assert "did you mean 'output'?" in message(*steps)


def test_a_step_that_only_comes_later_cannot_have_run_yet() -> None:
    assert found(act("a", "b", input={"x": ["${steps.b.output}"]}), act("b")) == [
        ("step_not_run", "steps.a.input.x[0]")
    ]


def test_a_step_does_not_see_its_own_result_before_it_ran_but_its_conditions_do() -> None:
    assert found(act("a", input="${steps.a.output}")) == [("step_not_run", "steps.a.input")]
    assert found(act("a", to("b", when="steps.a.output > 1"), "b"), act("b")) == []


def test_a_step_of_another_way_cannot_have_run() -> None:
    steps = (decide("s", to("a", when="true"), "b"), act("a"), act("b", input="${steps.a.output}"))
    assert found(*steps) == [("step_not_run", "steps.b.input")]


def test_a_step_before_on_every_path_may_be_referred_to() -> None:
    assert found(act("a", "b"), act("b", "c"), act("c", input="${steps.a.output}")) == []
    ways = (act("a", to("b", when="true"), "c"), act("b", "d"), act("c", "d"))
    assert found(*ways, act("d", input="${steps.a.output}")) == []


def test_a_step_that_some_path_leaves_out_may_not_have_run() -> None:
    steps = (decide("s", to("a", when="true"), "b"), act("a", "b"), act("b", input="${steps.a.output.x}"))
    assert found(*steps) == [("step_maybe_not_run", "steps.b.input")]


@pytest.mark.parametrize(
    "expression",
    [
        "has(steps.a.output.x) ? steps.a.output.x : 0",
        "has( steps.a.output) && steps.a.output == 1",
        "'a' in steps ? steps.a.output : 0",
    ],
)
def test_a_reference_that_asks_itself_whether_it_is_there_may_be_to_a_step_that_some_path_leaves_out(
    expression: str,
) -> None:
    steps = (decide("s", to("a", when="true"), "b"), act("a", "b"), act("b", input=f"${{{expression}}}"))
    assert found(*steps) == []


def test_asking_for_one_step_is_no_guard_for_another() -> None:
    steps = (decide("s", to("a", when="true"), "b"), act("a", "b"))
    expression = "${has(steps.s.output) ? steps.a.output : 0}"
    assert found(*steps, act("b", input=expression)) == [("step_maybe_not_run", "steps.b.input")]


def test_asking_is_no_remedy_for_a_step_that_can_never_have_run() -> None:
    expression = "${has(steps.b.output) ? steps.b.output : 0}"
    assert found(act("a", "b", input=expression), act("b")) == [("step_not_run", "steps.a.input")]


def test_in_a_circle_a_later_step_may_have_run_in_the_round_before() -> None:
    steps = (act("a", "b", input="${steps.b.output}"), act("b", to("a", when="true"), "done"), end())
    assert found(*steps) == [("step_maybe_not_run", "steps.a.input")]


def test_after_an_error_output_the_failed_step_has_no_output() -> None:
    steps = (act("a", to("sorry", error="*"), "done"), say("sorry", "${steps.a.output.x}"), end())
    assert found(*steps) == [("step_maybe_not_run", "steps.sorry.text")]
    assert found(steps[0], say("sorry", "${steps.a.error.code}"), end()) == []


def test_a_step_that_the_flow_continues_after_whatever_happens_may_have_no_output() -> None:
    going_on = Settings(continue_on_error=True)
    steps = (act("a", "b", settings=going_on), say("b", "${steps.a.output.x}"))
    assert found(*steps) == [("step_maybe_not_run", "steps.b.text")]
    assert found(steps[0], say("b", "${has(steps.a.output.x) ? steps.a.output.x : error.message}")) == []
    listed = (sequence("all", "a b"), act("a", settings=going_on), act("b", input="${steps.a.output}"))
    assert found(*listed) == [("step_maybe_not_run", "steps.b.input")]
    caught = act("a", to("done", error="*"), "b", settings=going_on)
    assert found(caught, act("b", input="${steps.a.output}"), end()) == []
    own = act("a", to("b", when="steps.a.output.x"), "b", settings=going_on)
    assert found(own, act("b")) == []


def test_a_timeout_of_a_question_leaves_its_answer_out() -> None:
    steps = (ask("q", "Well?", to("late", error="timeout"), "done"), act("late", input="${steps.q.output}"), end())
    assert found(*steps) == [("step_maybe_not_run", "steps.late.input")]


# --- groups


def test_the_members_before_in_a_list_have_run() -> None:
    steps = (sequence("all", "a b", "c"), act("a"), act("b", input="${steps.a.output}"))
    assert found(*steps, act("c", input="${[steps.a.output, steps.b.output, steps.all.output]}")) == []


def test_the_members_after_in_a_list_have_not_run_and_neither_has_the_group() -> None:
    steps = (sequence("all", "a b"), act("a", input={"x": "${steps.b.output}", "y": "${steps.all.output}"}), act("b"))
    assert found(*steps) == [("step_not_run", "steps.a.input.x"), ("step_not_run", "steps.a.input.y")]


def test_all_branches_have_run_after_a_join_of_all() -> None:
    steps = (parallel("both", "a b", "c"), act("a"), act("b"), act("c", input="${[steps.a.output, steps.b.output]}"))
    assert found(*steps) == []


@pytest.mark.parametrize(("join", "need"), [("any", 0), ("n", 1), ("settled", 0)])
def test_a_branch_that_the_join_does_not_wait_for_may_not_have_run(join: str, need: int) -> None:
    both = replace(parallel("both", "a b", "c"), join=join, need=need)
    assert found(both, act("a"), act("b"), act("c", input="${steps.a.output}")) == [
        ("step_maybe_not_run", "steps.c.input")
    ]


def test_another_branch_may_have_run_and_must_be_asked_for() -> None:
    steps = (parallel("both", "a b"), act("a"))
    assert found(*steps, act("b", input="${steps.a.output}")) == [("step_maybe_not_run", "steps.b.input")]
    assert found(*steps, act("b", input="${has(steps.a.output) ? 1 : 2}")) == []


def test_the_other_way_of_a_fork_may_have_run() -> None:
    steps = (act("s", to("a", also=("b",))), act("a"), act("b", input="${steps.a.output}"))
    assert found(*steps) == [("step_maybe_not_run", "steps.b.input")]


def test_what_a_fork_inside_a_group_did_has_run_when_the_group_has_ended() -> None:
    steps = (sequence("all", "s", "c"), act("s", to("a", also=("b",))), act("a"), act("b"))
    assert found(*steps, act("c", input="${[steps.a.output, steps.b.output]}")) == []


def test_a_step_after_the_join_cannot_have_run_in_a_branch() -> None:
    steps = (parallel("both", "a b", "c"), act("a", input="${steps.c.output}"), act("b"), act("c"))
    assert found(*steps) == [("step_not_run", "steps.a.input")]


def test_a_group_that_failed_may_have_left_members_out() -> None:
    steps = (sequence("all", "a b", to("sorry", error="*"), "done"), act("a"), act("b"), end())
    assert found(*steps, say("sorry", "${steps.b.output}")) == [("step_maybe_not_run", "steps.sorry.text")]


# --- loops


def test_a_member_of_a_loop_cannot_be_referred_to_from_outside() -> None:
    steps = (loop("each", "a", "b"), act("a"), act("b", input="${steps.a.output}"))
    assert found(*steps) == [("loop_member", "steps.b.input")]
    assert "use the list steps.each.output" in message(*steps)
    assert found(*steps[:2], act("b", input="${steps.each.output[0]}")) == []


def test_members_of_one_round_may_refer_to_each_other_and_to_what_ran_before_the_loop() -> None:
    steps = (act("s", "each"), loop("each", "a b"), act("a"), act("b", input="${[steps.a.output, steps.s.output]}"))
    assert found(*steps) == []


def test_an_inner_loop_sees_the_round_around_it_and_not_the_other_way_round() -> None:
    steps = (loop("outer", "a inner c"), act("a"), loop("inner", "b"), act("b", input="${steps.a.output}"))
    assert found(*steps, act("c", input="${steps.inner.output}")) == []
    assert found(*steps, act("c", input="${steps.b.output}")) == [("loop_member", "steps.c.input")]


def test_what_a_loop_repeats_for_is_decided_outside_of_it() -> None:
    assert found(loop("each", "a", over="${steps.a.output}"), act("a")) == [("loop_member", "groups.each.over")]


def test_until_sees_the_round_that_ended_and_while_does_not() -> None:
    until = Loop(n("again"), (n("a"),), until="steps.a.output.done")
    assert found(until, act("a")) == []
    before = Loop(n("again"), (n("a"),), while_="steps.a.output.more")
    assert found(before, act("a")) == [("loop_member", "groups.again.while")]
    assert "`output` is what the round before came to" in message(before, act("a"))


def test_the_outputs_of_a_loop_do_not_see_its_members() -> None:
    steps = (loop("each", "a", to("z", when="steps.a.output"), "z"), act("a"), act("z"))
    assert found(*steps) == [("loop_member", "groups.each.outputs[0].when")]


@pytest.mark.parametrize("name", ["item", "index"])
def test_item_and_index_have_a_value_only_in_loops(name: str) -> None:
    steps = (loop("each", "a", "b"), act("a", input=f"${{{name}}}"), act("b", input=f"${{{name}}}"))
    assert found(*steps) == [("outside_loop", "steps.b.input")]


def test_a_loop_by_condition_has_an_index_and_no_items() -> None:
    again = Loop(n("again"), (n("a"),), while_="index < 3")
    assert found(again, act("a", input="${item}")) == [("no_item", "steps.a.input")]


def test_the_name_that_a_loop_gives_its_items_has_a_value_inside_of_it_only() -> None:
    named = replace(loop("each", "a", "other"), item="line")
    steps = (named, act("a", input="${line.price}"), loop("other", "b", "c"))
    assert found(*steps, act("b", input="${line}"), act("c", input="${line}")) == [
        ("outside_loop", "steps.b.input"),
        ("outside_loop", "steps.c.input"),
    ]


# --- input, params, data


def test_a_field_that_the_schema_does_not_list_is_a_problem_and_suggests_the_one_that_was_meant() -> None:
    assert about("input.orderID", input=ORDER) == ["unknown_field"]
    assert about("params.orderID", params=ORDER) == ["unknown_field"]
    assert about("data.orderID", data=ORDER) == ["unknown_field"]
    flow = replace(graph(act("a", input="${input.orderID}")), input=ORDER)
    assert "did you mean 'orderId'?" in reference_problems(flow)[0].message


@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("input.orderId", []),
        ("input.address.city", []),
        ("input.address.town", ["unknown_field"]),
        ("input['orderid']", ["unknown_field"]),
        ("input.extra.b", []),
        ("input.either.b", []),
        ("input.free.b.c", []),
        ("input.orderId.length", ["unknown_field"]),
        ("input.lines[0].price", []),
        ("input.lines.map(line, line.price)", []),
        ("input", []),
    ],
)
def test_fields_are_followed_through_the_schema_as_far_as_it_plainly_lists_them(
    expression: str, codes: list[str]
) -> None:
    assert about(expression, input=ORDER) == codes


def test_without_a_schema_every_field_may_be_there() -> None:
    assert about("input.a.b") == []
    assert about("input.a", input={"type": "object"}) == []
    assert about("input.a", input={"type": "object", "additionalProperties": False}) == ["unknown_field"]


# --- errors


def test_error_has_a_value_only_after_an_error_output() -> None:
    steps = (
        act("a", to("sorry", error="*"), "b"),
        say("sorry", "${error.message}", "bye"),
        say("bye", "${error.code}"),
    )
    assert found(*steps, act("b", input="${error.code}")) == [("no_error_here", "steps.b.input")]
    assert found(*steps, act("b", input="${has(error.code) ? 1 : 2}")) == []


# --- every place that holds expressions


def test_expressions_are_found_wherever_they_may_stand() -> None:
    wrong = template("${steps.zzz.output}")
    bad = "steps.zzz.output == 1"
    event = EventStep(n("e"), match=bad, correlate=wrong, poll=Poll("log", wrong), outputs=(to("f"),))
    flow = FlowStep(n("f"), "other", wrong, outputs=(to("g"),))  # type: ignore[arg-type]  # a name is a name
    timer = TimerStep(n("t"), until=wrong, outputs=(to("e"),), settings=Settings(idempotency_key=wrong))
    final = replace(end(output="${steps.zzz.output}"), message=wrong)
    steps = (
        act("a", to("q", when=bad), "q", input={"x": {"y": "${steps.zzz.output}"}}),
        timer, event, flow,
        loop("g", "m", "w", over="${steps.zzz.output}"), act("m"),
        Loop(n("w"), (n("o"),), while_=bad, outputs=(to("u"),)), act("o"),
        Loop(n("u"), (n("p"),), until=bad, outputs=(to("done"),)), act("p"),
        final,
        ask("q", "${steps.zzz.output}?", "s"), say("s", "${steps.zzz.output}!", "t"),
    )  # fmt: skip
    assert {path for code, path in found(*steps) if code == "unknown_step"} == {
        "steps.a.input.x.y", "steps.a.outputs[0].when", "steps.t.until", "steps.t.settings.idempotencyKey",
        "steps.e.match", "steps.e.correlate", "steps.e.poll.input", "steps.f.input", "groups.g.over", "groups.w.while",
        "groups.u.until", "steps.done.output", "steps.done.message", "steps.q.say", "steps.s.text",
    }  # fmt: skip


def test_expressions_are_found_in_the_labels_of_buttons() -> None:
    question = replace(ask("q", "Which?"), buttons=(("Yes", "${steps.zzz.output}"), ("${steps.yyy.output}",)))
    assert found(question) == [("unknown_step", "steps.q.buttons"), ("unknown_step", "steps.q.buttons")]


def test_an_expression_that_does_not_compile_is_a_problem_and_the_others_are_still_looked_at() -> None:
    steps = (act("a", to("b", when="output +"), "b", input="${steps.zzz.output}"), act("b", input="${nowhere}"))
    assert found(*steps) == [
        ("unknown_step", "steps.a.input"),
        ("bad_expression", "steps.a.outputs[0].when"),
        ("bad_expression", "steps.b.input"),
    ]


def test_a_condition_that_is_neither_true_nor_false_is_a_problem() -> None:
    assert found(decide("a", to("b", when="1 + 1"), "b"), act("b")) == [("bad_expression", "steps.a.outputs[0].when")]


def test_what_handlers_with_undeclared_ways_on_lead_to_is_not_guessed() -> None:
    assert found(HandlerStep(n("h")), act("a", input="${steps.b.output}"), act("b")) == []


# --- all of it


def test_checking_tells_the_shape_first_and_the_references_of_a_sound_one() -> None:
    def codes(flow: Flow) -> list[str]:
        return [problem.code for problem in check(GraphFlow(flow))]

    assert codes(graph(act("a", "b", input="${steps.zzz.output}"))) == ["unknown_step"]
    assert codes(graph(act("a", input="${steps.zzz.output}"))) == ["unknown_step"]
    assert codes(graph(act("a", "b", input="${steps.b.output}"), sleep("b"))) == ["step_not_run"]
    assert codes(graph(act("a", "b"), sleep("b"))) == []
