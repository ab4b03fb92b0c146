"""What is wrong with a flow graph is found at once, with its place and the remedy (semantics A8, G3, G4)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.graphs import (
    act,
    ask,
    decide,
    end,
    graph,
    listed,
    loop,
    n,
    parallel,
    say,
    sequence,
    sleep,
    template,
    to,
)  # fmt: skip
from turnflow.core.definition import Flow, HandlerStep, Timeout
from turnflow.core.ids import FlowName, Millis
from turnflow.core.nodes import EventStep, Loop, Node, Output, Parallel, Poll, Retry, Settings, TimerStep
from turnflow.core.validation import problems

YEAR: Millis = 366 * 86_400_000
EACH = loop("each", "x")
SIDE = parallel("side", "x y")


def found(*steps: HandlerStep | Node, start: str = "") -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in problems(graph(*steps, start=start))]


def message(code: str, *steps: HandlerStep | Node) -> str:
    (text,) = [problem.message for problem in problems(graph(*steps)) if problem.code == code]
    return text


def event(topic: str = "paid", poll: Poll | None = None, settings: Settings | None = None, **more: object) -> EventStep:
    return replace(EventStep(n("e"), topic, poll=poll, settings=settings or Settings()), **more)


def each(**more: object) -> list[tuple[str, str]]:
    return found(replace(EACH, **more), act("x"))


def side(**more: object) -> list[tuple[str, str]]:
    return found(replace(SIDE, **more), act("x"), act("y"))


# --- names and targets


def test_an_unknown_target_is_a_problem_at_its_output_and_suggests_the_name_that_was_meant() -> None:
    assert found(act("a", to("confrim")), act("confirm")) == [("unknown_step", "steps.a.outputs[0].to")]
    assert "did you mean 'confirm'?" in message("unknown_step", act("a", to("confrim")), act("confirm"))


def test_an_unknown_further_target_is_a_problem_of_its_own() -> None:
    assert found(act("a", to("b", also=("b2", "c"))), act("b")) == [
        ("unknown_step", "steps.a.outputs[0].also[0]"),
        ("unknown_step", "steps.a.outputs[0].also[1]"),
    ]


def test_an_unknown_member_of_a_group_is_a_problem() -> None:
    assert found(sequence("all", "a b"), act("a")) == [("unknown_step", "groups.all.steps[1]")]


def test_an_unknown_target_of_a_question_is_a_problem_once() -> None:
    question = ask("a", "a?")
    assert question.question is not None
    wait = replace(question.question.wait, timeout=9, on_timeout=Timeout(n("b"), "step"))
    step = replace(question, question=replace(question.question, wait=wait))
    assert found(step, act("c")) == [("unknown_step", "steps.a.ask.on_timeout")]


def test_an_unknown_start_is_a_problem_and_a_node_may_be_the_start() -> None:
    assert found(act("begin"), start="begn") == [("unknown_step", "start")]
    assert found(act("begin"), say("x", "x"), start="begin") == [("unreachable", "steps.x")]


def test_a_flow_without_steps_and_nodes_is_a_problem() -> None:
    assert problems(Flow(FlowName("f"), 1, n("a"), {}))[0].code == "no_steps"


def test_steps_and_nodes_count_together() -> None:
    group = sequence("all", " ".join(f"s{i}" for i in range(1_000)))
    assert found(group, *(act(f"s{i}") for i in range(1_000))) == [("too_many_steps", "steps")]


def test_two_steps_of_one_name_are_a_problem() -> None:
    assert ("duplicate_name", "steps.a") in found(say("a", "hi"), act("a"))


def test_a_node_under_another_name_than_its_own_is_a_problem() -> None:
    flow = graph(act("a"))
    assert [problem.code for problem in problems(replace(flow, nodes={n("b"): flow.nodes[n("a")]}, start=n("b")))] == [
        "misnamed_step"
    ]


@pytest.mark.parametrize(("name", "better"), [("all-done", "all_done"), ("2nd", "_2nd"), ("in", "in_"), ("a.b", "a_b")])
def test_a_name_that_expressions_cannot_say_is_a_problem_with_one_that_they_can(name: str, better: str) -> None:
    assert found(act(name)) == [("bad_step_name", f"steps.{name}")]
    assert message("bad_step_name", act(name)).endswith(f"for instance {better!r}")


def test_flows_of_python_handlers_keep_names_that_expressions_cannot_say() -> None:
    assert problems(Flow(FlowName("f"), 1, n("all-done"), {n("all-done"): HandlerStep(n("all-done"))})) == ()


def test_forking_to_one_step_twice_is_a_problem() -> None:
    assert found(act("a", to("b", also=("c", "b"))), act("b"), act("c")) == [
        ("duplicate_target", "steps.a.outputs[0].also[1]")
    ]


# --- groups


def test_a_member_of_two_groups_is_a_problem() -> None:
    assert found(sequence("one", "a two"), sequence("two", "a"), act("a")) == [
        ("duplicate_member", "groups.two.steps[0]"),
    ]


def test_a_member_listed_twice_is_a_problem() -> None:
    assert found(parallel("one", "a a"), act("a")) == [("duplicate_member", "groups.one.steps[1]")]


def test_groups_that_contain_themselves_are_a_problem() -> None:
    assert found(act("s"), sequence("a", "b"), sequence("b", "c"), sequence("c", "a"), loop("own", "own")) == [
        ("group_in_itself", "groups.a"),
        ("group_in_itself", "groups.b"),
        ("group_in_itself", "groups.c"),
        ("group_in_itself", "groups.own"),
    ]


def test_an_edge_into_a_member_is_a_problem_and_names_the_group_to_lead_to() -> None:
    inner = (sequence("out", "deep"), sequence("deep", "a b"), act("a"), act("b"))
    flow = (decide("s", to("b", when="true"), "out"), *inner)
    assert found(*flow) == [("enters_group", "steps.s.outputs[0].to")]
    assert message("enters_group", *flow) == "'b' is inside the group 'out': lead to 'out' itself"


def test_an_edge_out_of_a_group_is_a_problem_and_names_the_group_whose_output_it_should_be() -> None:
    steps = (sequence("all", "a", "z"), act("a", "z"), act("z"))
    assert found(*steps) == [("leaves_group", "steps.a.outputs[0].to")]
    assert "let an output of 'all' lead there" in message("leaves_group", *steps)


def test_an_edge_from_one_branch_into_another_group_is_a_problem() -> None:
    assert found(parallel("both", "l r"), sequence("l", "a"), sequence("r", "b"), act("a", "b"), act("b")) == [
        ("leaves_group", "steps.a.outputs[0].to")
    ]


def test_starting_inside_a_group_is_a_problem() -> None:
    assert ("enters_group", "start") in found(sequence("all", "a"), act("a"), start="a")


def test_a_timeout_that_leads_out_of_a_group_is_a_problem() -> None:
    question = ask("a", "a?")
    assert question.question is not None
    wait = replace(question.question.wait, timeout=9, on_timeout=Timeout(n("z"), "step"))
    step = replace(question, question=replace(question.question, wait=wait))
    assert found(loop("all", "a", "z"), step, act("z")) == [("leaves_group", "steps.a.ask.on_timeout")]


def test_an_empty_group_is_a_problem() -> None:
    assert found(sequence("all", "")) == [("empty_group", "groups.all.steps")]


def test_sixteen_groups_inside_each_other_are_allowed_and_the_seventeenth_is_a_problem() -> None:
    def nested(depth: int) -> list[tuple[str, str]]:
        return found(*(sequence(f"g{i}", f"g{i + 1}") for i in range(depth)), act(f"g{depth}"))

    assert nested(16) == []
    assert nested(17) == [("too_deep", "groups.g16")]
    assert nested(18) == [("too_deep", "groups.g16")]


@pytest.mark.parametrize("need", [0, 3, -1])
def test_a_need_that_no_number_of_branches_meets_is_a_problem(need: int) -> None:
    assert side(join="n", need=need) == [("bad_need", "groups.side.need")]
    assert side(join="n", need=2) == []


def test_a_need_that_the_join_does_not_look_at_is_a_problem() -> None:
    assert side(join="any", need=1) == [("bad_need", "groups.side.need")]


def test_a_limit_below_one_is_a_problem() -> None:
    assert side(limit=0) == [("bad_limit", "groups.side.limit")]
    assert each(limit=0) == [("bad_limit", "groups.each.limit")]


def test_a_loop_over_nothing_or_over_several_things_is_a_problem() -> None:
    assert each(over=None) == [("bad_loop", "groups.each")]
    assert each(while_="true") == [("bad_loop", "groups.each")]
    assert each(over=None, while_="true", until="true") == [("bad_loop", "groups.each")]
    assert each(over=None, until="true") == []


def test_concurrent_rounds_of_a_condition_are_a_problem() -> None:
    assert each(over=None, while_="true", limit=2) == [("bad_limit", "groups.each.limit")]
    assert each(limit=2) == []


def test_no_iteration_at_all_is_a_problem() -> None:
    assert each(max_iterations=0) == [("bad_iterations", "groups.each.max_iterations")]


@pytest.mark.parametrize("name", ["order-line", "2", "steps", "in", "für", "for"])
def test_an_item_name_that_expressions_cannot_say_is_a_problem(name: str) -> None:
    assert each(item=name) == [("bad_item_name", "groups.each.item")]
    assert each(item="order_line") == []


# --- outputs


def test_conditions_without_a_default_are_a_problem() -> None:
    assert found(decide("a", to("b", when="true")), act("b")) == [("no_default_output", "steps.a.outputs")]


def test_a_second_default_is_a_problem() -> None:
    assert found(act("a", "b", "c"), act("b"), act("c")) == [("several_defaults", "steps.a.outputs[1]")]


def test_a_condition_after_the_default_is_never_reached() -> None:
    assert found(decide("a", "b", to("c", when="true")), act("b"), act("c")) == [
        ("unreachable_output", "steps.a.outputs[1]")
    ]


def test_an_error_output_after_the_one_for_every_code_is_never_reached() -> None:
    step = act("a", to("b", error="http.*"), to("c", error="*"), to("b", error="timeout"), "b")
    assert found(step, act("b"), act("c")) == [("unreachable_output", "steps.a.outputs[2]")]


def test_the_default_may_stand_before_error_outputs() -> None:
    assert found(act("a", "b", to("c", error="*")), act("b"), act("c")) == []


def test_an_error_output_beside_continue_on_error_false_is_a_problem() -> None:
    step = act("a", "b", to("b", error="*"), settings=Settings(continue_on_error=False))
    assert found(step, act("b")) == [("contradicting_error", "steps.a")]


def test_continue_on_error_without_a_default_is_a_problem_where_the_path_has_no_other_way_on() -> None:
    going_on = Settings(continue_on_error=True)
    assert found(act("a", settings=going_on)) == [("no_default_output", "steps.a")]
    assert found(act("a", to("b", error="x"), settings=going_on), act("b")) == [("no_default_output", "steps.a")]
    assert found(sequence("all", "a"), act("a", to("b", error="x"), settings=going_on), act("b")) == []
    assert found(sequence("all", "a b"), act("a", settings=going_on), act("b")) == []


def test_a_decision_without_outputs_is_a_problem() -> None:
    assert found(decide("a")) == [("empty_decision", "steps.a")]


# --- timers, events, settings


def test_a_timer_waits_for_a_duration_or_until_a_moment_not_both_and_not_neither() -> None:
    assert found(TimerStep(n("t"))) == [("bad_timer", "steps.t")]
    assert found(TimerStep(n("t"), duration=1, until=template("${now}"))) == [("bad_timer", "steps.t")]
    assert found(TimerStep(n("t"), until=template("${now}"))) == []


def test_a_timer_of_no_duration_is_a_problem() -> None:
    assert found(TimerStep(n("t"), duration=0)) == [("bad_duration", "steps.t.duration")]


def test_an_event_has_exactly_one_source() -> None:
    assert found(event("")) == [("bad_event", "steps.e")]
    assert found(event("paid", Poll("http.get"))) == [("bad_event", "steps.e")]
    assert found(event("", webhook=True, poll=Poll("http.get"))) == [("bad_event", "steps.e")]
    assert found(event("", webhook=True)) == []
    assert found(event("", Poll("http.get"))) == []


def test_polling_without_a_pause_is_a_problem() -> None:
    assert found(event("", Poll("http.get", interval=0))) == [("bad_duration", "steps.e.poll.interval")]


def test_a_negative_look_back_is_a_problem() -> None:
    assert found(event(lookback=-1)) == [("bad_duration", "steps.e.lookback")]
    assert found(event(lookback=0)) == []


def test_an_event_is_waited_for_at_most_a_year() -> None:
    assert found(event(settings=Settings(timeout=YEAR + 1))) == [("too_long", "steps.e.settings.timeout")]
    assert found(event(settings=Settings(timeout=YEAR))) == []


@pytest.mark.parametrize(
    ("settings", "code", "place"),
    [
        (Settings(timeout=0), "bad_duration", "timeout"),
        (Settings(attempt_timeout=-1), "bad_duration", "attempt_timeout"),
        (Settings(idle_timeout=0), "bad_duration", "idle_timeout"),
        (Settings(concurrency=-1), "bad_limit", "concurrency"),
        (Settings(retry=Retry(-1)), "bad_retry", "retry"),
        (Settings(retry=Retry(1, delay=-1)), "bad_retry", "retry"),
        (Settings(retry=Retry(1, jitter=1.5)), "bad_retry", "retry"),
        (Settings(retry=Retry(1, max_delay=-1)), "bad_retry", "retry.max_delay"),
        (Settings(retry=Retry(1, within=0)), "bad_duration", "retry.within"),
    ],
)
def test_numbers_and_durations_of_settings_have_bounds_for_nodes_and_for_talking_steps(
    settings: Settings, code: str, place: str
) -> None:
    assert found(act("a", settings=settings)) == [(code, f"steps.a.settings.{place}")]
    assert found(replace(say("a", "hi"), settings=settings)) == [(code, f"steps.a.settings.{place}")]
    assert found(replace(SIDE, settings=settings), act("x"), act("y")) == [(code, f"groups.side.settings.{place}")]


# --- where paths lead


def test_a_step_that_no_path_reaches_is_a_problem() -> None:
    assert found(act("a"), act("b")) == [("unreachable", "steps.b")]


def test_of_an_unreachable_group_only_the_group_is_told() -> None:
    assert found(act("a"), sequence("all", "b c"), act("b"), act("c")) == [("unreachable", "groups.all")]


def test_the_next_member_after_one_with_outputs_of_its_own_is_unreachable() -> None:
    steps = (sequence("all", "a b"), act("a", "c"), act("b"), act("c"))
    assert found(*steps) == [("unreachable", "steps.b")]
    assert message("unreachable", *steps) == "no path leads here: 'a' before it in the list has outputs of its own"


def test_the_next_member_after_one_with_only_error_outputs_is_reached() -> None:
    assert found(sequence("all", "a b"), act("a", to("c", error="*")), act("b"), act("c")) == []


def test_what_follows_an_end_in_a_list_is_unreachable() -> None:
    assert found(sequence("all", "done b"), end(), act("b")) == [("unreachable", "steps.b")]


def test_every_branch_of_a_parallel_group_is_reached() -> None:
    assert found(parallel("both", "a b"), act("a"), act("b")) == []


def test_paths_that_never_end_are_a_problem() -> None:
    assert found(act("a", "b"), act("b", "a")) == [("no_end", "steps")]
    assert found(decide("s", to("a", when="true"), "done"), act("a", "b"), act("b", "a"), end()) == [
        ("no_end", "steps.a"),
        ("no_end", "steps.b"),
    ]


def test_a_group_that_goes_round_for_ever_ends_where_an_end_is_inside() -> None:
    inside = (decide("x", to("done", when="true"), "y"), sleep("y", "x"), end())
    assert found(sequence("all", "x", "all"), *inside) == []


def test_paths_that_never_end_inside_a_group_are_a_problem_there() -> None:
    assert found(sequence("all", "x"), act("x", "y"), act("y", "x")) == [("no_end", "steps.x"), ("no_end", "steps.y")]


def test_a_circle_of_only_decisions_is_a_problem_told_once() -> None:
    steps = (decide("a", to("b", when="true"), "done"), decide("b", to("a", when="true"), "done"), end())
    assert found(*steps) == [("endless_cycle", "steps.a")]
    assert "'a' and 'b'" in message("endless_cycle", *steps)
    assert found(decide("a", to("a", when="true"), "done"), end()) == [("endless_cycle", "steps.a")]


def test_a_circle_with_a_step_that_waits_or_acts_is_allowed() -> None:
    assert found(decide("a", to("b", when="true"), "done"), sleep("b", "a"), end()) == []
    assert found(act("a", to("a", when="true"), "done"), end()) == []


def test_handlers_with_undeclared_ways_on_may_lead_anywhere() -> None:
    assert found(HandlerStep(n("a")), act("b")) == []
    assert found(HandlerStep(n("a"), declared=True), act("b")) == [("unreachable", "steps.b")]


def test_what_a_retired_step_became_may_be_a_node() -> None:
    flow = graph(act("a"))
    assert problems(replace(flow, retired={n("old"): n("a")})) == ()
    assert [p.path for p in problems(replace(flow, retired={n("a"): n("gone")}))] == ["retired.a", "retired.a"]


# --- all at once


def test_everything_that_is_wrong_is_told_at_once() -> None:
    mistakes = found(
        act("a-b", to("c"), settings=Settings(0)),
        TimerStep(n("t"), outputs=(Output(n("zzz")),)),
        Parallel(n("p"), listed("t", "t"), limit=0),
        Loop(n("l")),
        start="nowhere",
    )
    assert {code for code, _ in mistakes} == {
        "unknown_step", "bad_step_name", "bad_duration", "bad_timer", "duplicate_member", "bad_limit", "bad_loop",
        "empty_group",
    }  # fmt: skip


def test_a_large_sound_graph_of_everything_has_no_problems() -> None:
    going_on = Settings(continue_on_error=True)
    assert (
        found(
            ask("name", "Your name?", "each"),
            loop("each", "check both", to("failed", error="*"), to("bye", when="true"), "wait"),
            act("check", to("fix", error="http.*"), settings=going_on),
            act("fix"),
            parallel("both", "left right"),
            decide("left", to("tell", when="true"), "rest"),
            say("tell", "told"),
            sleep("rest", "left"),
            sequence("right", "p q"),
            act("p", to("r", also=("s",))),
            act("r"),
            act("s", "q"),
            act("q", to("q", when="true"), to("stop")),
            end("stop"),
            sleep("wait", "each"),
            say("failed", "sorry", "bye"),
            end("bye"),
        )
        == []
    )
