"""The table of what operators accept says what the library does, tried with values of every kind."""

from __future__ import annotations

from functools import cache
from itertools import product

import pytest

from turnflow.declarative.kinds import EVERY, Kind, in_words, result_of
from turnflow.errors import UserCodeError
from turnflow.expressions import compile_expression

SAMPLES: dict[Kind, tuple[str, ...]] = {
    "null": ("null",),
    "bool": ("true", "false"),
    "int": ("2", "0"),
    "uint": ("2u", "0u"),
    "double": ("1.5", "1.0"),
    "string": ("'a'", "'1'", "'true'", "'2026-01-31T12:00:00Z'", "'1h'", "'UTC'"),
    "bytes": ("b'a'",),
    "list": ("[]", "[1, 2, 3]"),
    "map": ("{}", "{'a': 1}", "{1: 1, 2: 1}", "{true: 1}"),
    "timestamp": ("timestamp('2026-01-31T12:00:00Z')",),
    "duration": ("duration('1h')",),
    "type": ("type(1)",),
}
KINDS = tuple(SAMPLES)
UNARY = {
    "-_": "-{}", "!_": "!{}", "size": "size({})", "int": "int({})", "uint": "uint({})", "double": "double({})",
    "string": "string({})", "bytes": "bytes({})", "bool": "bool({})", "timestamp": "timestamp({})",
    "duration": "duration({})", "getFullYear": "{}.getFullYear()", "getHours": "{}.getHours()",
    "getMonth": "{}.getMonth()", "getDate": "{}.getDate()", "getDayOfMonth": "{}.getDayOfMonth()",
    "getDayOfWeek": "{}.getDayOfWeek()", "getDayOfYear": "{}.getDayOfYear()", "getMinutes": "{}.getMinutes()",
    "getSeconds": "{}.getSeconds()", "getMilliseconds": "{}.getMilliseconds()",
}  # fmt: skip
BINARY = {
    "_+_": "{} + {}", "_-_": "{} - {}", "_*_": "{} * {}", "_/_": "{} / {}", "_%_": "{} % {}", "_<_": "{} < {}",
    "_<=_": "{} <= {}", "_>_": "{} > {}", "_>=_": "{} >= {}", "_==_": "{} == {}", "_!=_": "{} != {}", "@in": "{} in {}",
    "_[_]": "{}[{}]", "contains": "{}.contains({})", "startsWith": "{}.startsWith({})", "endsWith": "{}.endsWith({})",
    "matches": "{}.matches({})", "getFullYear": "{}.getFullYear({})",
}  # fmt: skip


@cache
def works(source: str) -> bool:
    try:
        compile_expression(f"[{source}] == []").evaluate({})
    except UserCodeError:
        return False
    return True


def succeeds(form: str, kinds: tuple[Kind, ...]) -> bool:
    """Whether an operator succeeds for some values of the kinds, which the library cannot tell before it runs."""
    samples = product(*(SAMPLES[kind] for kind in kinds))
    return any(works(form.format(*(f"dyn({one})" for one in sample))) for sample in samples)


@pytest.mark.parametrize("function", UNARY)
def test_an_operator_of_one_operand_takes_what_the_table_says(function: str) -> None:
    for kind in KINDS:
        assert succeeds(UNARY[function], (kind,)) == (result_of(function, [frozenset({kind})]) is not None), kind


@pytest.mark.parametrize("function", BINARY)
def test_an_operator_of_two_operands_takes_what_the_table_says(function: str) -> None:
    for left, right in product(KINDS, repeat=2):
        told = result_of(function, [frozenset({left}), frozenset({right})]) is not None
        assert succeeds(BINARY[function], (left, right)) == told, (left, right)


def test_an_operator_comes_to_what_the_table_says() -> None:
    for form, kinds, function in (("{} + {}", KINDS, "_+_"), ("{} - {}", KINDS, "_-_"), ("{} * {}", KINDS, "_*_")):
        for left, right in product(kinds, repeat=2):
            told = result_of(function, [frozenset({left}), frozenset({right})])
            for one, other in product(SAMPLES[left], SAMPLES[right]):
                source = form.format(f"dyn({one})", f"dyn({other})")
                if told is not None and works(source):
                    (kind,) = told
                    word = {"null": "null_type", "timestamp": "google.protobuf.Timestamp"}.get(kind, kind)
                    word = "google.protobuf.Duration" if kind == "duration" else word
                    assert compile_expression(f"type({source}) == {word}").evaluate({}) is True, source


def test_of_a_function_that_is_not_known_nothing_is_known() -> None:
    assert result_of("frobnicate", [frozenset({"int"})]) == EVERY


def test_kinds_are_called_as_in_schemas() -> None:
    assert in_words(frozenset({"int"})) == "integer"
    assert in_words(frozenset({"int", "uint", "double"})) == "number"
    assert in_words(frozenset({"double"})) == "number with a fraction"
    assert in_words(frozenset({"string", "null"})) == "string or null"
