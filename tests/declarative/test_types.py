"""Expressions and templates that can work with no value of the promised types are found when a flow is checked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel

from tests.core.graphs import act, ask, decide, end, graph, loop, n, say, template, to
from turnflow import answers
from turnflow.actions import Action, action, builtin_actions
from turnflow.core.definition import Accepts, Flow, HandlerStep, Question, WaitSpec
from turnflow.core.ids import FlowName, Json
from turnflow.core.nodes import EventStep, FlowStep, Loop, Node, Poll, TimerStep
from turnflow.declarative.checking import check
from turnflow.declarative.graph_flow import GraphFlow
from turnflow.declarative.sight import Schemas
from turnflow.errors import Problem

Schema = dict[str, Json]
Known = dict[str, Schemas]
NO_SCHEMA: Schema = {}


def of(kind: Json, **more: Json) -> Schema:
    return {"type": kind, **more}


def listing(items: Json) -> Schema:
    return of("array", items=items)


def record(**fields: Json) -> Schema:
    return of("object", properties=fields)


LINE = record(sku=of("string"), cents=of("integer"))
ORDER = record(
    name=of("string"), count=of("integer"), price=of("number"), paid=of("boolean"), tags=listing(of("string")),
    lines=listing(LINE), address=record(city=of("string")), note=of(["string", "null"]), either=of(["integer", "string"]),
    nothing=of("null"), free={}, level={"enum": ["low", "high"]}, fixed={"const": 3},
    maybe={"anyOf": [{"$ref": "#/$defs/Address"}, of("null")]},
    prices=of("object", additionalProperties=of("number")), pair=of("array", prefixItems=[of("integer")]),
) | {"$defs": {"Address": record(city=of("string"))}}  # fmt: skip


def found(
    *steps: HandlerStep | Node,
    actions: Mapping[str, Schemas] = {},
    flows: Mapping[FlowName, Flow] = {},
    are_complete: bool = False,
    input: Schema = ORDER,
    params: Schema = NO_SCHEMA,
) -> list[Problem]:
    flow = replace(graph(*steps), input=input, params=params)
    return list(check(GraphFlow(flow), actions, flows, are_complete=are_complete))


def places(*steps: HandlerStep | Node, actions: Mapping[str, Schemas] = {}) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in found(*steps, actions=actions)]


def about(expression: str, input: Schema = ORDER, params: Schema = NO_SCHEMA) -> list[str]:
    """What is wrong with an expression in the only step of a graph."""
    return [problem.message for problem in found(say("a", f"It is ${{{expression}}}."), input=input, params=params)]


def refused(expression: str) -> str:
    (problem,) = found(say("a", f"${{{expression}}}"))
    assert (problem.code, problem.path) == ("type_mismatch", "steps.a.text")
    return problem.message


# --- inside expressions


@pytest.mark.parametrize(
    "expression",
    [
        "input.count > 'a'", "'a' <= input.count", "input.name > 1", "input.name < input.count", "input.paid < 1",
        "input.note > 1", "input.level > 1", "input.fixed > 'a'", "input.tags > 1", "input.nothing < 1",
    ],
)  # fmt: skip
def test_what_has_no_order_is_not_compared_by_size(expression: str) -> None:
    assert "cannot be applied to" in refused(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "input.name + 1", "input.count + input.name", "input.count - input.name", "input.paid * 2", "-input.name",
        "input.name / 2", "input.price % input.name", "input.tags + 'a'", "input.address + 1", "now + duration('1h')",
    ],
)  # fmt: skip
def test_what_is_no_number_is_not_calculated_with(expression: str) -> None:
    assert "cannot be applied to" in refused(expression)


@pytest.mark.parametrize("expression", ["input.count * 1.5", "0.5 + input.count", "input.count - input.count / 2.0"])
def test_whole_numbers_are_not_mixed_with_others_in_a_calculation(expression: str) -> None:
    assert "write double(...)" in refused(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "size(input.count)", "input.paid.size()", "input.count.contains('a')", "input.name.startsWith(input.count)",
        "input.tags.matches('a')", "bool(input.count)", "int(input.tags)", "duration(input.count)", "timestamp(input.paid)",
        "string(input.lines)", "'a' in input.name", "input.name in input.count", "input.tags[input.name]", "input.count[0]",
    ],
)  # fmt: skip
def test_a_function_gets_what_it_takes(expression: str) -> None:
    assert refused(expression)


def test_a_text_is_no_moment_until_it_is_made_one() -> None:
    assert "write timestamp(...)" in refused("now.getHours()")
    assert about("timestamp(now).getHours()") == []


def test_a_message_names_path_type_and_remedy() -> None:
    assert refused("input.count > 'a'") == (
        "`>` cannot be applied to input.count (of type integer) and 'a' (of type string);"
        " convert one with string(...), int(...) or double(...)"
    )


@pytest.mark.parametrize(
    "expression",
    ["input.lines.exists(line, line.cents > 'a')", "input.lines.map(line, line.sku + 1)", "input.tags.all(t, t > 1)",
     "input.lines.filter(line, line.cents)", "input.prices.map(name, name + 1)", "input.count.map(x, x)"],
)  # fmt: skip
def test_macros_know_the_items_of_what_they_go_through(expression: str) -> None:
    assert refused(expression)


@pytest.mark.parametrize(
    "expression",
    ["input.count && true", "input.paid || input.name", "!input.count", "input.name ? 1 : 2", "input.paid ? input.name + 1 : 1"],
)  # fmt: skip
def test_what_is_tested_is_true_or_false(expression: str) -> None:
    assert refused(expression)


@pytest.mark.parametrize("expression", ["input.lines[0].cents > 'a'", "input['count'] > 'a'", "input.maybe.city > 1"])
def test_types_are_followed_through_entries_references_and_what_may_be_null(expression: str) -> None:
    assert refused(expression)


@pytest.mark.parametrize("expression", ["params.limit > 'a'", "params.limit + 'a'"])
def test_params_have_the_types_of_their_schema(expression: str) -> None:
    assert len(about(expression, params=record(limit=of("integer")))) == 1
    assert about(expression) == []


@pytest.mark.parametrize(
    "expression",
    [
        # equality is defined for everything
        "input.count == 'a'", "input.name != 1", "input.count in ['a']", "input.paid == null",
        # numbers may be compared, whichever they are
        "input.count < 1.5", "input.price > 1", "input.price < input.count", "input.count > 1u",
        # a number may be whole
        "input.price * 2", "input.price * 2.0", "input.price + input.count",
        # some member of the union fits
        "input.either + 1", "input.either + 'a'", "input.note + 'a'", "input.note.size()", "input.either > 'a'",
        # nothing is known
        "input.free > 1", "input.free + 'a'", "input.free.a.b", "input.pair[0] > 'a'", "event.x > 1", "message.text > 1",
        # converted
        "double(input.count) * 1.5", "string(input.count) + 'a'", "int(input.name) + 1", "dyn(input.count) > 'a'",
        # has() is not what it asks for
        "has(input.name) && input.count > 1", "has(input.address.city) || input.paid",
        # asked for at run time
        "type(input.count) == string ? input.count + 'a' : 'b'",
        "input.lines.filter(line, line.cents > 1).size() > 0", "input.lines.map(line, line.cents).exists(c, c > 1)",
        "input.prices.all(name, name != '')", "input.prices['a'] > 1", "input.prices.a * 1.5", "input.fixed + 1",
        "size(input.name) + input.count", "input.tags + ['a']", "input.tags[0] + 'a'", "input.level + 'a'",
        "timestamp(now) + duration('1h') > timestamp(input.name)", "input.lines.exists_one(line, line.cents > 1)",
        "input.paid ? input.name : input.count", "(input.paid ? input.name : input.count) + 1",
        "input.paid < true", "input.maybe.city + 'a'", "error.code + 'a'", "input", "size(input)", "input.nothing == null",
    ],
)  # fmt: skip
def test_what_may_work_is_never_a_problem(expression: str) -> None:
    codes = {problem.code for problem in found(say("a", f"It is ${{{expression}}}."))}
    assert codes <= {"no_error_here"}


@pytest.mark.parametrize(
    "schema",
    [
        {}, of("integer", enum=["a"]), {"$ref": "#/$defs/Missing"}, {"$ref": "https://example.com/x"}, {"$ref": "#"},
        {"anyOf": []}, {"not": of("string")}, {"type": "mystery"}, {"allOf": [of("string"), of("integer")]},
        {"oneOf": [{}, of("integer")]}, {"if": of("string"), "then": of("string")}, {"$dynamicRef": "#x"},
    ],
)  # fmt: skip
def test_a_schema_that_tells_nothing_plainly_refuses_nothing(schema: Schema) -> None:
    whole: Schema = {"properties": {"x": schema}}
    assert about("input.x + 'a'", input=whole) == []
    assert about("input.x > 1.5", input=whole) == []


def test_schemas_that_refer_to_themselves_come_to_an_end() -> None:
    again: list[Json] = [{"$ref": "#/properties/x"}] * 3
    for word in ("anyOf", "oneOf", "allOf"):
        schema: Schema = {"properties": {"x": {word: again}}}
        assert about("input.x + 'a'", input=schema) == []
        assert about("input.x.y[0].z + 'a'", input=schema) == []
        assert found(act("a", input={"x": {"y": 1}}), actions={"log": (schema, {})}) == []


def test_a_field_that_is_said_not_to_be_there_is_told_once() -> None:
    assert [problem.code for problem in found(say("a", "${input.zzz > 1 && input.count > 'a'}"))] == ["unknown_field"]


# --- what steps come to


def test_an_ask_step_comes_to_what_its_answers_are() -> None:
    def asked(accepts: Accepts) -> HandlerStep:
        return replace(ask("q", "Well?", "a"), question=Question(WaitSpec(accepts)))

    def told(accepts: Accepts, expression: str) -> bool:
        return bool(places(asked(accepts), say("a", f"${{{expression}}}")))

    assert told(answers.choice("a", "b"), "steps.q.output + 1")
    assert told(answers.number(), "steps.q.output + 'a'")
    assert told(answers.yes_no(), "steps.q.output > 'yes'")
    assert told(answers.text(), "steps.q.output > 1")
    assert not told(answers.number(), "steps.q.output + 1")
    assert not told(answers.number(), "steps.q.output * 1.5")
    assert not told(answers.yes_no(), "!steps.q.output")
    assert not told(Accepts(("photo",)), "steps.q.output.kind + 'a'")


def test_an_action_comes_to_what_its_schema_says_if_it_is_known() -> None:
    steps = (act("a", "b"), say("b", "${steps.a.output.total > 'a'}"))
    assert places(*steps) == []
    known: Known = {"log": ({}, record(total=of("number")))}
    assert places(*steps, actions=known) == [("type_mismatch", "steps.b.text")]


def test_a_nested_flow_comes_to_what_its_schema_says_if_it_is_known() -> None:
    steps = (FlowStep(n("a"), FlowName("other"), outputs=(to("b"),)), say("b", "${steps.a.output + 1}"))
    other = replace(graph(end()), name=FlowName("other"), output=of("string"))
    assert found(*steps) == []
    assert [problem.path for problem in found(*steps, flows={other.name: other})] == ["steps.b.text"]


def test_a_condition_of_a_step_sees_its_own_output() -> None:
    steps = (act("a", to("b", when="output.total"), "b"), end("b"))
    known: Known = {"log": ({}, record(total=of("number")))}
    assert places(*steps, actions=known) == [("type_mismatch", "steps.a.outputs[0].when")]
    assert places(act("a", to("b", when="output.total > 1"), "b"), end("b"), actions=known) == []


def test_the_output_that_a_decision_sees_is_not_guessed() -> None:
    known: Known = {"log": ({}, of("number"))}
    assert places(act("a", "s"), decide("s", to("b", when="output.ok"), "b"), end("b"), actions=known) == []


def test_a_loop_comes_to_a_list_and_an_error_to_texts() -> None:
    steps = (loop("each", "a", "b"), act("a", to("sorry", error="*")), say("sorry", "${error.code + 1}"))
    assert places(*steps, say("b", "${steps.each.output > 1}")) == [
        ("type_mismatch", "steps.sorry.text"),
        ("type_mismatch", "steps.b.text"),
    ]


def test_items_have_the_type_of_what_the_loop_goes_through() -> None:
    def told(expression: str, **more: str) -> bool:
        each = replace(loop("each", "a", over="${input.lines}"), **more)
        return bool(places(each, say("a", f"${{{expression}}}")))

    assert told("item.cents > 'a'")
    assert told("index + 'a'")
    assert told("line.cents > 'a'", item="line")
    assert not told("item.cents > 1")
    assert not told("line.cents + index", item="line")


def test_the_item_of_an_inner_loop_is_its_own_and_a_name_reaches_the_outer_one() -> None:
    outer = replace(loop("outer", "inner", over="${input.lines}"), item="line")
    inner = loop("inner", "a", over="${input.tags}")
    assert places(outer, inner, say("a", "${item + line.sku}")) == []
    assert places(outer, inner, say("a", "${item + line.cents}")) == [("type_mismatch", "steps.a.text")]


# --- places that want a type


@pytest.mark.parametrize("path", ["count", "name", "tags", "address", "note", "price"])
def test_a_condition_is_true_or_false(path: str) -> None:
    steps = (decide("a", to("b", when=f"input.{path}"), "b"), end("b"))
    assert places(*steps) == [("type_mismatch", "steps.a.outputs[0].when")]
    assert places(decide("a", to("b", when="input.paid"), "b"), end("b")) == []


def test_conditions_of_loops_and_events_are_true_or_false() -> None:
    event = EventStep(n("a"), "x", match="input.count", outputs=(to("w"),))
    while_ = Loop(n("w"), (n("b"),), while_="input.count", outputs=(to("u"),))
    until = Loop(n("u"), (n("c"),), until="input.name")
    assert [path for _, path in places(event, while_, until, act("b"), act("c"))] == [
        "steps.a.match",
        "groups.w.while",
        "groups.u.until",
    ]


def test_a_loop_goes_through_a_list() -> None:
    for over in ("${input.count}", "${input.address}", "x ${input.tags}", "${input.note}"):
        assert places(loop("each", "a", over=over), act("a")) == [("type_mismatch", "groups.each.over")]
    rights: list[Json] = [
        "${input.tags}", "${input.free}", [1, 2], "${input.lines.filter(x, x.cents > 1)}", "${input.pair}",
    ]  # fmt: skip
    for right in rights:
        assert places(loop("each", "a", over=right), act("a")) == []


def test_a_timer_waits_until_a_moment_or_for_a_duration() -> None:
    def timer(until: Json) -> TimerStep:
        return TimerStep(n("t"), until=template(until))

    for wrong in ("${input.tags}", "${input.paid}", "${input.address}", "${input.nothing}"):
        assert places(timer(wrong)) == [("type_mismatch", "steps.t.until")]
    for right in ("${input.name}", "${input.count}", "${input.note}", "${timestamp(now) + duration('1h')}", "10m"):
        assert places(timer(right)) == []


# --- what is given to actions and flows


class Charge(Struct, forbid_unknown_fields=True):
    order: str
    cents: int
    lines: list[str] = []
    note: str | None = None
    level: float = 1.0


class Model(BaseModel):
    cents: int
    name: str = ""


@action(name="charge")
async def charge(what: Charge) -> str:
    return what.order


@action(name="model")
async def model(what: Model) -> int:
    return what.cents


@action(name="nothing")
async def nothing() -> None: ...


ACTIONS: Known = {
    each.name: (each.input_schema, each.output_schema)
    for each in list[object]([charge, model, nothing, *builtin_actions()])
    if isinstance(each, Action)
}
GOOD: dict[str, Json] = {"order": "${input.name}", "cents": "${input.count}"}


def given(input: Json, name: str = "charge") -> list[tuple[str, str]]:
    """Places and messages of what is wrong with the input of an action."""
    step = replace(act("a", input=input), action=name)
    return [(problem.path.removeprefix("steps.a."), problem.message) for problem in found(step, actions=ACTIONS)]


def test_a_required_field_has_to_be_given() -> None:
    assert given({"order": "x"}) == [("input", "input of action 'charge': the required field 'cents' is missing")]


def test_a_field_that_the_schema_does_not_allow_is_a_problem_and_suggests_the_one_that_was_meant() -> None:
    ((path, message),) = given({**GOOD, "lvel": 1})
    assert path == "input.lvel"
    assert "did you mean 'level'?" in message


@pytest.mark.parametrize(
    "wrong",
    [
        {"cents": "12"}, {"cents": "${input.name}"}, {"cents": "${input.count} cents"}, {"cents": 1.5}, {"order": 1},
        {"order": "${input.count}"}, {"lines": "a"}, {"lines": "${input.address}"}, {"lines": ["a", 1]},
        {"lines": ["${input.count}"]}, {"note": "${input.count}"}, {"note": 1}, {"level": "${now}"}, {"order": None},
        {"cents": "${size(input.name) > 1}"},
    ],
)  # fmt: skip
def test_a_leaf_of_the_wrong_type_is_a_problem_at_its_place(wrong: dict[str, Json]) -> None:
    ((path, message),) = given({**GOOD, **wrong})
    (field,) = wrong
    assert path.startswith(f"input.{field}")
    assert "is wanted" in message


@pytest.mark.parametrize(
    "right",
    [
        {}, {"cents": 12}, {"cents": 12.0}, {"cents": "${input.price}"}, {"cents": "${int(input.name)}"}, {"level": 1},
        {"level": "${input.count}"}, {"note": None}, {"note": "${input.note}"}, {"note": "${input.count} of them"},
        {"order": "${input.either}"}, {"order": "${input.free}"}, {"lines": "${input.tags}"}, {"lines": []},
        {"lines": ["a", "${input.name}"]}, {"lines": "${input.free}"}, {"order": {"$secret": "env:ORDER"}},
        {"order": "$${x}"}, {"order": "${timestamp(now)}"},
    ],
)  # fmt: skip
def test_a_leaf_that_may_fit_is_none(right: dict[str, Json]) -> None:
    assert given({**GOOD, **right}) == []


def test_the_whole_input_may_be_one_expression() -> None:
    assert [path for path, _ in given("${input.count}")] == ["input"]
    assert given("${input.free}") == []
    assert given("${input.address}") == []


def test_a_fixed_set_of_values_is_held_against_plain_ones_only() -> None:
    ((path, message),) = given({"message": "x", "level": "warn"}, "log")
    assert path == "input.level"
    assert "did you mean 'warning'?" in message
    assert given({"message": "x", "level": "${input.name}"}, "log") == []


def test_a_model_that_reads_texts_as_numbers_gets_them() -> None:
    assert given({"cents": "12"}, "model") == []
    assert given({"cents": "${input.name}"}, "model") == []
    assert [path for path, _ in given({}, "model")] == ["input"]
    assert [path for path, _ in given({"cents": ["12"]}, "model")] == ["input.cents"]


def test_an_action_that_takes_nothing_may_be_given_nothing() -> None:
    assert given({}, "nothing") == []


def test_what_polls_is_given_what_it_takes() -> None:
    event = EventStep(n("e"), poll=Poll("charge", template({"order": 1, "cents": 1})))
    assert places(event, actions=ACTIONS) == [("type_mismatch", "steps.e.poll.input.order")]


def test_a_nested_flow_is_given_what_its_schema_says() -> None:
    schema = of("object", required=["a", "b"], properties={"a": of("string"), "b": of("integer", default=1)})
    other = replace(graph(end()), name=FlowName("other"), input=schema)

    def told(input: Json) -> list[str]:
        step = FlowStep(n("a"), other.name, template(input))
        return [problem.path for problem in found(step, flows={other.name: other})]

    assert told({}) == ["steps.a.input"]
    assert told({"a": "${input.count}"}) == ["steps.a.input.a"]
    assert told({"a": "${input.name}", "c": 1}) == []


def test_a_flow_that_calls_itself_is_held_against_its_own_schema() -> None:
    step = FlowStep(n("a"), FlowName("f"), template({"count": "${input.name}"}))
    assert [problem.path for problem in found(step)] == ["steps.a.input.count"]


# --- what is known


def test_of_actions_and_flows_that_are_not_known_nothing_is_said() -> None:
    steps = (act("a", "b", input={"anything": 1}), FlowStep(n("b"), FlowName("other"), template({"anything": 1})))
    assert found(*steps) == []
    assert found(*steps, actions={"other": ({}, {})}) == []


def test_if_there_are_no_others_an_unknown_action_is_a_problem_and_suggests_the_one_that_was_meant() -> None:
    step = replace(act("a"), action="charg")
    (problem,) = found(step, actions=ACTIONS, are_complete=True)
    assert (problem.code, problem.path) == ("unknown_action", "steps.a.action")
    assert "did you mean 'charge'?" in problem.message
    poll = EventStep(n("e"), poll=Poll("charg"))
    (problem,) = found(poll, actions=ACTIONS, are_complete=True)
    assert (problem.code, problem.path) == ("unknown_action", "steps.e.poll.action")


def test_if_there_are_no_others_an_unknown_flow_is_a_problem() -> None:
    step = FlowStep(n("a"), FlowName("othr"))
    other = replace(graph(end()), name=FlowName("other"))
    (problem,) = found(step, flows={other.name: other}, are_complete=True)
    assert (problem.code, problem.path) == ("unknown_flow", "steps.a.flow")
    assert "did you mean 'other'?" in problem.message
    assert found(replace(step, flow=FlowName("f")), are_complete=True) == []
