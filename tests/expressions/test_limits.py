"""Whatever an author writes and whatever the values are: an evaluation ends soon, takes little memory, and says why."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.expressions.hostile import BORNE, REFUSED, TEMPLATES
from turnflow.core.ids import Json
from turnflow.errors import InvalidExpression, UserCodeError
from turnflow.expressions import compile_expression, compile_template, template

MEGABYTES = 50


@cache
def endings() -> dict[str, tuple[str, int, float]]:
    """How every hostile case ended in a process of its own, the length of its message, and the memory so far."""
    script = Path(__file__).with_name("hostile.py")
    lines = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=60).stdout
    rows = [json.loads(line) for line in lines.splitlines()]
    return {case: (how, length, peak) for case, how, length, _, peak in rows}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_take_too_much_is_refused(case: str) -> None:
    how, length, _ = endings()[case]
    assert how in ("invalid", "failed")
    assert length < 300, "the message cuts what is long"


@pytest.mark.parametrize("case", BORNE)
def test_what_is_large_but_honest_has_a_result(case: str) -> None:
    assert endings()[case][0] == "result"


@pytest.mark.parametrize("case", TEMPLATES)
def test_hostile_templates_are_mistakes(case: str) -> None:
    how, length, _ = endings()[case]
    assert how == "invalid"
    assert length < 300


def test_all_of_it_together_takes_little_memory() -> None:
    peaks = {case: peak for case, (_, _, peak) in endings().items()}
    assert max(peaks.values()) < MEGABYTES, peaks


def test_an_expression_has_at_most_16_kib_of_text() -> None:
    compile_expression("'" + "a" * (16 * 1024 - 2) + "'")
    with pytest.raises(InvalidExpression, match="longer than 16384 bytes"):
        compile_expression("'" + "a" * (16 * 1024 - 1) + "'")
    with pytest.raises(InvalidExpression, match="longer than 16384 bytes"):
        compile_expression("'" + "é" * (8 * 1024) + "'")


@pytest.mark.parametrize(
    ("source", "items"),
    [
        ("input.map(x, x.price)", 1_400),
        ("input.filter(x, x.ok && x.price > 10)", 1_400),
        ("input.exists(x, x.name == 'Zoe' && x.price > 10)", 9_999),
        ("input.all(x, x.price >= 0)", 9_999),
        ("size(input) > 3 && input[0].price >= 0", 30_000),
    ],
)
def test_lists_of_a_useful_size_are_within_the_budget(source: str, items: int) -> None:
    rows: Json = [{"name": f"item {n}", "price": n, "ok": n % 2 == 0} for n in range(items)]
    compile_expression(source).evaluate({"input": rows})


def test_what_may_be_too_costly_depends_on_the_values() -> None:
    product = compile_expression("input.a.all(x, input.b.all(y, x != y))")
    few: Json = {"a": list(range(50)), "b": list(range(50, 100))}
    assert product.evaluate({"input": few}) is True
    many: Json = {"a": list(range(50)), "b": ["x" * 100_000] * 50}
    with pytest.raises(UserCodeError, match="work on fewer of them"):
        compile_expression("input.a.all(x, input.b.all(y, input.b != [y + y]))").evaluate({"input": many})


def test_a_regular_expression_cannot_backtrack() -> None:
    assert compile_expression("input.matches('^(a+)+$')").evaluate({"input": "a" * 5_000 + "b"}) is False


@pytest.mark.parametrize("value", ["a\0b", ["\0"], {"a": {"\0": 1}}, {"a": [{"b": "\0"}]}])
def test_a_text_that_cel_would_cut_is_an_error(value: Json) -> None:
    with pytest.raises(UserCodeError, match=r"holds the character U\+0000"):
        compile_expression("[input]").evaluate({"input": value})


@pytest.mark.parametrize("value", ["\\u0000", ["\\u0000"], {"\\u0000": "\\u0000"}, {"a": ["\\\\u0000"]}])
def test_a_text_that_only_speaks_of_that_character_is_kept(value: Json) -> None:
    assert compile_expression("[input]").evaluate({"input": value}) == [value]


TOKENS = st.sampled_from(
    [
        "input", "data", "steps", ".", ",", "(", ")", "[", "]", "{", "}", "?", ":", "+", "-", "*", "/", "%", "&&", "||", "!",
        "==", "<", "in", "1", "2.5", "7u", "'a'", '"b"', "r'c'", "b'd'", "null", "true", "has", "exists", "map", "filter",
        "matches", "size", "x", "y", "'a'.matches('a')", "input.exists(x, x)", "[1,2].map(y, y)", "{'a': 1}", "timestamp(now)",
        "//", "\n",
        "\\", "`", "'", '"', "${", "@", "\0", "é", "😀",
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(TOKENS, max_size=12).map("".join) | st.lists(TOKENS, max_size=12).map(" ".join) | st.text(), JSON)
def test_any_text_over_any_values_gives_json_or_an_error_of_ours(source: str, value: Json) -> None:
    values: dict[str, Json] = {"input": value, "data": {"a": value}, "now": "2026-01-01T00:00:00Z"}
    try:
        result = compile_expression(source).evaluate(values)
    except (InvalidExpression, UserCodeError):
        return
    json.dumps(result, allow_nan=False)


@given(st.lists(TOKENS, max_size=12).map("".join) | st.text(), JSON)
def test_any_template_gives_json_or_an_error_of_ours(text: str, value: Json) -> None:
    try:
        compile_template(template({"a": [text]})).render({"input": value, "now": "2026-01-01T00:00:00Z"})
    except (InvalidExpression, UserCodeError):
        return


@given(JSON)
def test_a_value_that_passes_cel_is_the_same_or_refused(value: Json) -> None:
    try:
        result = compile_expression("[input][0]").evaluate({"input": value})
    except UserCodeError:
        return
    assert result == value


@pytest.mark.parametrize("source", ["dyn(input)", "[input, null]", "{'a': input, 'b': [null]}", "null"])
def test_nulls_do_not_wear_out(source: str) -> None:
    expression = compile_expression(source)
    expression.evaluate({"input": None})
    before = sys.getrefcount(None)
    for _ in range(1_000):
        expression.evaluate({"input": None})
    assert abs(sys.getrefcount(None) - before) < 500, "the interpreter ends when nothing refers to None any more"
