"""Expressions: what they refer to, what they come to, and what is said when they cannot."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from turnflow.core.ids import Json
from turnflow.errors import InvalidExpression, UserCodeError
from turnflow.expressions import ROOTS, compile_condition, compile_expression


def result(source: str, **values: Json) -> Json:
    return compile_expression(source).evaluate(values)


def failure(source: str, values: Mapping[str, Json]) -> str:
    with pytest.raises(UserCodeError) as raised:
        compile_expression(source).evaluate(values)
    assert raised.value.code == "expression"
    assert source in str(raised.value), "the message names the expression"
    return str(raised.value)


# --- references ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("steps.lookup.output.body.total < 50.0", {("steps", "lookup", "output", "body", "total")}),
        ("steps['look up'].output", {("steps", "look up", "output")}),
        ("input.rows[0].name", {("input", "rows")}),
        ("input.rows[data.at].name", {("input", "rows"), ("data", "at")}),
        ("input.items.exists(x, x > data.least)", {("input", "items"), ("data", "least")}),
        ("[1].map(input, input + 1)", set()),
        ("input.map(input, input + 1)", {("input",)}),
        ("has(input.a.b) ? input.c : null", {("input", "a", "b"), ("input", "c")}),
        ("'steps.a' + \"data.b\" // error.c", set()),
        ("{'a': event.x}.a == [item][0]", {("event", "x"), ("item",)}),
        ("input.name.startsWith(params.prefix)", {("input", "name"), ("params", "prefix")}),
        ("type(run) == int", {("run",)}),
        (".input.a", {("input", "a")}),
        ("1 + 2", set()),
    ],
)
def test_references_are_the_paths_that_are_looked_at(source: str, paths: set[tuple[str, ...]]) -> None:
    assert compile_expression(source).references == paths


def test_a_name_of_the_author_is_a_root() -> None:
    expression = compile_expression("order.total > index", names=("order",))
    assert expression.references == {("order", "total"), ("index",)}
    assert expression.evaluate({"order": {"total": 3}, "index": 2}) is True


def test_the_text_stays_with_the_expression() -> None:
    assert compile_expression("input.a").source == "input.a"


def test_every_root_may_be_used() -> None:
    assert {path[0] for root in ROOTS for path in compile_expression(f"{root}.a").references} == ROOTS
    assert len(ROOTS) == 13


def test_only_the_parts_that_are_referred_to_reach_cel() -> None:
    unreadable: Json = {"total": 3, "huge": 2**80}
    assert result("steps.a.total + 1", steps={"a": unreadable, "b": 2**80}, data=2**80) == 4
    assert "out of range" in failure("steps.a.huge + 1", {"steps": {"a": unreadable}})


def test_a_path_and_what_continues_it_are_both_there() -> None:
    assert result("size(input) + input.a.b", input={"a": {"b": 1}, "c": 0}) == 3
    assert result("input.a.b + size(input)", input={"a": {"b": 1}, "c": 0}) == 3


# --- values -------------------------------------------------------------------------------------------------------

VALUES: list[Json] = [
    None, True, False, 0, -1, 2**63 - 1, -(2**63), 0.5, -0.0, 1e300, 5e-324, "", "é😀", [], {}, [1, [2.5, None]],
    {"a": {"b": [True]}},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("source", ["input", "dyn(input)", "[input][0]"])
def test_values_come_back_as_they_went_in(source: str, value: Json) -> None:
    assert repr(result(source, input=value)) == repr(value)


def test_a_plain_path_keeps_the_order_of_keys_and_integers_of_any_size() -> None:
    value: Json = dict.fromkeys("zyxwvutsrqponmlkjihgfedcba", 10**30)
    assert repr(result("input.a", input={"a": value})) == repr(value)


def test_a_plain_path_may_lead_through_items_of_lists() -> None:
    rows: Json = [{"name": "a", "cells": [[1, 2], [3, {"z": 10**30, "a": 0}]]}]
    assert result("input[0].name", input=rows) == "a"
    assert repr(result("input[0]['cells'][1][1]", input=rows)) == repr({"z": 10**30, "a": 0})


def test_maps_built_by_cel_have_sorted_keys() -> None:
    built = result("{'z': 1, 'b': {'y': 1, 'a': 2}, 'm': 3, 'k': 4, 'c': 5}")
    assert repr(built) == "{'b': {'a': 2, 'y': 1}, 'c': 5, 'k': 4, 'm': 3, 'z': 1}"


def test_moments_are_text_and_time_can_be_reckoned() -> None:
    now = "2026-01-31T23:30:00.5Z"
    assert result("timestamp(now)", now=now) == now
    assert result("timestamp(now) + duration('1h')", now=now) == "2026-02-01T00:30:00.5Z"
    assert result("timestamp('2026-01-01T01:00:00+02:00')") == "2025-12-31T23:00:00Z"
    assert result("timestamp(now) < timestamp('2027-01-01T00:00:00Z')", now=now) is True
    assert result("timestamp('0001-01-01T00:00:00Z')") == "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("source", "text"),
    [("1h", "3600s"), ("0s", "0s"), ("1.5s", "1.5s"), ("-1.5s", "-1.5s"), ("1ms", "0.001s"), ("-1ms", "-0.001s")],
)
def test_durations_are_seconds_as_text(source: str, text: str) -> None:
    assert result(f"duration('{source}')") == text


@pytest.mark.parametrize("amount", [12, 12.5])
def test_comparisons_mix_integers_and_fractions(amount: Json) -> None:
    assert result("input.amount < 50", input={"amount": amount}) is True
    assert result("input.amount < 50.0", input={"amount": amount}) is True
    assert result("input.amount == 12.5 || input.amount == 12", input={"amount": amount}) is True


def test_arithmetic_does_not_mix_and_says_what_to_do() -> None:
    assert "convert with int(...), double(...)" in failure("input.amount * 2", {"input": {"amount": 12.5}})
    assert result("double(input.amount) * 2.0", input={"amount": 12}) == 24.0


@pytest.mark.parametrize("source", ["0.0 / 0.0", "[1e300 * 1e300]", "{'a': -1e300 * 1e300}"])
def test_numbers_that_json_does_not_know_are_errors(source: str) -> None:
    assert "which JSON does not know" in failure(source, {})


@pytest.mark.parametrize("source", ["b'abc'", "type(1)", "{1: 2}"])
def test_results_without_a_json_form_are_errors(source: str) -> None:
    assert "the result has" in failure(source, {})


# --- failures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "values", "why"),
    [
        ("input.b", {"input": {"a": 1}}, 'no such key "b"; guard it with has'),
        ("input.b + 1", {"input": {"a": 1}}, 'no such key "b"; guard it with has'),
        ("steps.b.output", {}, "steps has no value here"),
        ("steps.b.output + 1", {}, "steps has no value here"),
        ("input.a.b", {"input": {"a": 1}}, "a member is asked of a value that is not a map"),
        ("input.a.b + 1", {"input": {"a": [1]}}, "a member is asked of a value that is not a map"),
        ("input.a[3]", {"input": {"a": [1]}}, "no such index: 3 in a list of 1"),
        ("input.a[3] + 1", {"input": {"a": [1]}}, "no such index: 3 in a list of 1"),
        ("input.a[-1]", {"input": {"a": [1]}}, "no such index: -1 in a list of 1"),
        ("input[0]", {"input": {"0": 1}}, "item 0 is asked of a value that is not a list"),
        ("input['a']", {"input": [1]}, "a member is asked of a value that is not a map"),
        ("1 / input", {"input": 0}, "division by zero"),
        ("input + 1", {"input": 2**63 - 1}, "integer overflow"),
        ("input + 1", {"input": "a"}, "no such overload"),
        ("timestamp(input)", {"input": "soon"}, "failed: "),
        ("input + 'a'", {"input": "\ud800"}, "failed: "),
    ],
)
def test_a_failed_evaluation_names_the_expression_and_the_reason(
    source: str, values: dict[str, Json], why: str
) -> None:
    assert why in failure(source, values)


def test_what_may_be_absent_is_guarded_with_has() -> None:
    guarded = compile_expression("has(input.a) && has(input.a.b) ? input.a.b : 'none'")
    assert guarded.evaluate({"input": {}}) == "none"
    assert guarded.evaluate({"input": {"a": {"c": 1}}}) == "none"
    assert guarded.evaluate({"input": {"a": {"b": 1, "c": 1}}}) == 1
    assert result("has(input.a)", input={"a": None}) is True
    assert result("has(input.a)", input={"a": {"b": 1}}) is True


def test_a_condition_holds_or_does_not() -> None:
    assert compile_condition("input.a > 1").holds({"input": {"a": 2}}) is True
    assert compile_condition("input.a > 1").holds({"input": {"a": 1}}) is False
    assert compile_condition("input.a").holds({"input": {"a": False}}) is False


@pytest.mark.parametrize("value", [None, 0, 1, "true", []])
def test_a_condition_that_is_not_true_or_false_fails(value: Json) -> None:
    with pytest.raises(UserCodeError, match=r"`input\.a` failed: a condition must be true or false"):
        compile_condition("input.a").holds({"input": {"a": value}})


@pytest.mark.parametrize("source", ["1", "'true'", "input.a + 1", "null", "[true]", "timestamp(now)"])
def test_a_condition_that_cannot_be_true_or_false_does_not_compile(source: str) -> None:
    compile_expression(source)
    with pytest.raises(InvalidExpression, match="must be true or false"):
        compile_condition(source)


# --- mistakes -----------------------------------------------------------------------------------------------------


def mistake(source: str, names: tuple[str, ...] = ()) -> InvalidExpression:
    with pytest.raises(InvalidExpression) as raised:
        compile_expression(source, names)
    assert raised.value.source == source
    return raised.value


def test_an_unknown_root_is_named_with_the_closest_known_one() -> None:
    found = mistake("true &&\n  imput.a")
    assert "'imput' is not known here; did you mean 'input'?" in str(found)
    assert f"line {found.line}, column {found.column}" in str(found)
    assert found.line == 2
    assert "did you mean 'order'?" in str(mistake("ordr.total", ("order",)))
    assert "the roots are conversation, data" in str(mistake("zzz"))


def test_a_name_bound_elsewhere_is_unknown_here() -> None:
    assert "'order'" in str(mistake("order.total"))
    assert "'x' is not known" in str(mistake("input.exists(x, x > 1) && x"))


@pytest.mark.parametrize(
    ("source", "column"), [("input.a <", 10), ("1 ++ 2", 4), ("'abc", 1), ("input.a @ 3", 9), ("1 == 'a'", 3)]
)
def test_a_mistake_tells_its_place(source: str, column: int) -> None:
    found = mistake(source)
    assert (found.line, found.column) == (1, column)


@pytest.mark.parametrize("source", ["", "  \n"])
def test_an_empty_expression_says_so(source: str) -> None:
    assert "it is empty" in str(mistake(source))
