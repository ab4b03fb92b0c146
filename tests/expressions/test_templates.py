"""Templates: which strings hold expressions, and what becomes of them."""

from __future__ import annotations

import pytest

from turnflow.core.ids import Json
from turnflow.core.nodes import Template
from turnflow.errors import InvalidExpression, UserCodeError
from turnflow.expressions import compile_template, template


def rendered(value: Json, **values: Json) -> Json:
    return compile_template(template(value)).render(values)


@pytest.mark.parametrize("value", [1, 1.5, True, None, "a", [1], {"b": 2.5}, 10**25])
def test_a_string_that_is_one_expression_keeps_the_type_of_its_value(value: Json) -> None:
    assert repr(rendered({"x": ["${input.a}"]}, input={"a": value})) == repr({"x": [value]})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"), (-0.0, "-0"), (2.0, "2"), (2.5, "2.5"), (0.1 + 0.2, "0.30000000000000004"), (1e21, "1e+21"), (True, "true"),
        (False, "false"), (None, ""), ("é", "é"), ([1, {"a": "é"}], '[1,{"a":"é"}]'), ({}, "{}"),
    ],
)  # fmt: skip
def test_among_text_a_value_is_written_out(value: Json, text: str) -> None:
    assert rendered("<${input}>", input=value) == f"<{text}>"
    assert rendered("${input}${input}", input=value) == text * 2


def test_moments_and_durations_are_text_everywhere() -> None:
    assert rendered("${timestamp(now)}", now="2026-01-01T00:00:00Z") == "2026-01-01T00:00:00Z"
    assert rendered("in ${duration('1h')}") == "in 3600s"


def test_values_put_in_are_never_evaluated() -> None:
    hostile = "${1 + 1} $${x} ${"
    assert rendered("${input}", input=hostile) == hostile
    assert rendered("a ${input} ${input}", input=hostile) == f"a {hostile} {hostile}"
    assert rendered(["${input}"], input={"${input}": hostile}) == [{"${input}": hostile}]


def test_keys_are_never_templates() -> None:
    assert template({"${nonsense": 1}) == Template(value={"${nonsense": 1}, static=True)
    assert rendered({"${input}": "${input}"}, input=1) == {"${input}": 1}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("$${", "${"), ("$${input}", "${input}"), ("a$${b}c", "a${b}c"), ("$$${input}", "$${input}"), ("$${${input}}", "${7}"),
        ("${input}$${input}", "7${input}"),
    ],
)  # fmt: skip
def test_two_dollars_write_a_literal_brace(text: str, meant: str) -> None:
    assert rendered(text, input=7) == meant
    assert not template(text).static, "it does not mean itself"


@pytest.mark.parametrize("text", ["", "$", "$$", "{}", "$ {a}", "}", "costs 5$", "$(a)"])
def test_other_signs_mean_themselves(text: str) -> None:
    assert template(text).static
    assert rendered(text) == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("${{'a': {'b': 1}}.a.b}", 1),
        ("${'}'}", "}"),
        ('${"}" + "{"}', "}{"),
        ("${'\\'}'}", "'}"),
        ("${r'\\d}'}x", "\\d}x"),
        ('${R"\\\\}" + "}"}', "\\\\}}"),
        ("${'''a'}'''}", "a'}"),
        ('${"""}"}"""}', '}"}'),
        ("${r'''\\}'''}", "\\}"),
        ("${1 // }\n + 1}", 2),
        ("${ {'`}`': 1}.`}`}", None),
        ("${'a'}}", "a}"),
        ("${ 1 }", 1),
        ("${'${'}", "${"),
    ],
)
def test_braces_inside_an_expression_do_not_end_it(text: str, meant: Json) -> None:
    if meant is None:  # a name in backticks may not hold a brace; what matters is which text the mistake is about
        with pytest.raises(InvalidExpression) as raised:
            template(text)
        assert raised.value.source == text[2:-1].strip()
        return
    assert rendered(text) == meant


@pytest.mark.parametrize("text", ["${", "a ${input", "${'}", "${{}", '${"""}"', "${'a' + \"}", "${`}"])
def test_an_expression_that_does_not_end_is_a_mistake(text: str) -> None:
    with pytest.raises(InvalidExpression, match="does not end"):
        template(text)


@pytest.mark.parametrize("value", ["${inptu.a}", ["a", "b ${inptu.a}"], {"a": {"b": "${inptu.a}"}}])
def test_a_bad_expression_anywhere_is_found(value: Json) -> None:
    with pytest.raises(InvalidExpression, match="did you mean 'input'"):
        template(value)


def test_a_name_of_the_author_may_be_used() -> None:
    made = template("${order.total}", names=("order",))
    compiled = compile_template(made, names=("order",))
    assert compiled.references == {("order", "total")}
    assert compiled.render({"order": {"total": 3}}) == 3


def test_references_are_those_of_all_expressions() -> None:
    compiled = compile_template(
        template({"a": "${input.x} ${data.y.z}", "b": [1, "${steps.s.output}"], "c": "$${run.id}"})
    )
    assert compiled.references == {("input", "x"), ("data", "y", "z"), ("steps", "s", "output")}


def test_what_holds_no_expression_is_static_and_its_own_value() -> None:
    value: Json = {"b": 1, "a": [None, "text", {"c": 1.0}]}
    assert template(value) == Template(value=value, static=True)
    compiled = compile_template(Template(value=value, static=True))
    assert compiled.references == frozenset()
    assert repr(compiled.render({})) == repr(value)


def test_order_and_types_of_the_rest_are_kept() -> None:
    value: Json = {"z": 1, "y": 1.0, "x": True, "n": None, "a": "${input}", "list": [0, "${input}", {"q": 1, "b": 2}]}
    out = rendered(value, input="v")
    assert repr(out) == repr(value).replace("${input}", "v")


def test_equal_numbers_of_different_types_are_different_templates() -> None:
    assert repr(rendered(["${input}", 1], input=0)) == "[0, 1]"
    assert repr(rendered(["${input}", 1.0], input=0)) == "[0, 1.0]"
    assert repr(rendered(["${input}", True], input=0)) == "[0, True]"


def test_a_failing_expression_fails_the_template() -> None:
    with pytest.raises(UserCodeError, match=r"`input\.b` failed: no such key"):
        rendered("a ${input.b}", input={})


def test_what_cannot_be_written_as_text_fails_the_template() -> None:
    deep: Json = 1
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(UserCodeError, match="`input` came to cannot be written as text"):
        rendered("a ${input}", input=deep)
    with pytest.raises(UserCodeError, match="nested too deeply"):
        rendered("${size(input)}", input=deep)
