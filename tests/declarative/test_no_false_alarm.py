"""What the checker refuses fails for every value that fits the schemas, and what it says of a result holds for every result."""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from turnflow.core.ids import Json
from turnflow.declarative.checked_schema import value_mistake, with_defaults
from turnflow.declarative.fitting import Fitting
from turnflow.declarative.inference import Inference
from turnflow.declarative.kinds import WHOLE, Kinds
from turnflow.declarative.value_type import UNKNOWN, ValueType, json_kinds, of_kind, of_schema
from turnflow.errors import InvalidExpression, UserCodeError
from turnflow.expressions import compile_expression

FIELDS: Final = ("a", "b", "c")
WHOLES = st.integers(-5, 5)
FRACTIONS = st.sampled_from([0.5, 1.5, -2.25])
TEXTS = st.sampled_from(["", "a", "12", "true", "1h", "2026-01-31T12:00:00Z"])


@st.composite
def typed(draw: st.DrawFn, depth: int = 2) -> tuple[Json, Json]:
    """A schema, and a value that fits it. Whole numbers are written as such."""
    kinds = ["string", "integer", "number", "boolean", "null", "enum", "free", "const"]
    kind = draw(st.sampled_from([*kinds, "array", "object", "union", "list of types", "ref"] if depth else kinds))
    match kind:
        case "string":
            return {"type": "string"}, draw(TEXTS)
        case "integer":
            return {"type": "integer"}, draw(WHOLES)
        case "number":
            return {"type": "number"}, draw(WHOLES | FRACTIONS)
        case "boolean":
            return {"type": "boolean"}, draw(st.booleans())
        case "null":
            return {"type": "null"}, None
        case "enum":
            allowed: list[Json] = draw(st.lists(TEXTS | WHOLES | st.none(), min_size=1, max_size=3))
            return {"enum": allowed}, draw(st.sampled_from(allowed))
        case "const":
            value: Json = draw(TEXTS | WHOLES | st.booleans())
            return {"const": value}, value
        case "free":
            anything: list[Json] = [True, {}, {"title": "x"}]
            return draw(st.sampled_from(anything)), draw(typed(depth=0))[1]
        case "array":
            items, item = draw(typed(depth=depth - 1))
            return {"type": "array", "items": items}, [item] * draw(st.integers(0, 2))
        case "union":
            one, fitting = draw(typed(depth=depth - 1))
            other, _ = draw(typed(depth=depth - 1))
            return {draw(st.sampled_from(["anyOf", "oneOf"])): draw(st.permutations([one, other]))}, fitting
        case "list of types":
            return {"type": ["string", "integer"]}, draw(TEXTS | WHOLES)
        case "ref":
            return {"$ref": "#/$defs/name"}, draw(TEXTS)
        case _:
            return draw(objects(depth))


@st.composite
def objects(draw: st.DrawFn, depth: int = 3) -> tuple[dict[str, Json], Json]:
    """The same, of objects with fields that may be missing."""
    fields = {name: draw(typed(depth=depth - 1)) for name in FIELDS}
    present = draw(st.sets(st.sampled_from(FIELDS), min_size=2))
    schema: dict[str, Json] = {"type": "object", "properties": {name: field[0] for name, field in fields.items()}}
    return schema, {name: fields[name][1] for name in FIELDS if name in present}


PATHS = st.sampled_from(
    ["input.a", "input.b", "input.c", "input.a.b", "input.b.a", "input.c.c", "input['a']", "input.a[0]"]
)
LITERALS = st.sampled_from(["1", "2", "1.5", "'a'", "'12'", "true", "null", "[1]", "{'a': 1}", "1u", "duration('1h')"])
BINARY = ("+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "in")
STRICT = st.recursive(
    PATHS | LITERALS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(BINARY), inner),
        st.builds("{}({})".format, st.sampled_from(["size", "int", "double", "string", "!", "-", "bool", "dyn"]), inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("({}).a".format, inner),
        st.builds("({}).{}({})".format, inner, st.sampled_from(["contains", "startsWith", "matches"]), inner),
    ),
    max_leaves=4,
)  # fmt: skip
"""Expressions all of whose parts are evaluated."""


LAZY = st.recursive(
    STRICT,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}.map(x, {})".format, inner, STRICT),
        st.builds("({}).filter(x, x == {})".format, inner, STRICT),
        st.builds("({}).exists(x, x != {})".format, inner, STRICT),
    ),
    max_leaves=3,
)  # fmt: skip


def inferred(source: str, schema: dict[str, Json]) -> tuple[ValueType, list[str]]:
    inference = Inference({"input": of_schema(schema)})
    try:
        found = inference.type_of(compile_expression(source).tree)
    except InvalidExpression:
        return UNKNOWN, []
    return found, inference.mismatches


@settings(max_examples=400, suppress_health_check=[HealthCheck.filter_too_much])
@given(objects(), STRICT)
def test_an_expression_that_is_refused_fails_for_every_value_that_fits(
    typed: tuple[dict[str, Json], Json], source: str
) -> None:
    schema, value = whole(*typed)
    _, mismatches = inferred(source, schema)
    if not mismatches:
        return
    try:
        result = compile_expression(source).evaluate({"input": value})
    except UserCodeError:
        return
    raise AssertionError(f"{source} came to {result!r} for {value!r}, though {mismatches}")


@settings(max_examples=200, suppress_health_check=[HealthCheck.filter_too_much])
@given(objects(), LAZY)
def test_an_expression_comes_to_a_value_of_the_type_that_was_told(
    typed: tuple[dict[str, Json], Json], source: str
) -> None:
    schema, value = whole(*typed)
    found, _ = inferred(source, schema)
    try:
        result = compile_expression(source).evaluate({"input": value})
    except (UserCodeError, InvalidExpression):
        return
    assert written(found.kinds) & exact(result), (source, result)


@settings(max_examples=200)
@given(objects())
def test_a_value_that_fits_a_schema_is_no_misfit(typed: tuple[dict[str, Json], Json]) -> None:
    schema, value = whole(*typed)
    for is_coerced in (True, False):
        fitting = Fitting(schema, lambda text: of_kind("string"), is_coerced)
        assert list(fitting.misfits(value, schema)) == []


def whole(schema: dict[str, Json], value: Json) -> tuple[dict[str, Json], Json]:
    """The schema with what it refers to, and the value as a run gets it."""
    schema = {**schema, "$defs": {"name": {"type": "string"}}}
    value = with_defaults(schema, value)
    assume(value_mistake(schema, value) is None)
    return schema, value


def exact(value: Json) -> Kinds:
    if isinstance(value, int) and not isinstance(value, bool):
        return WHOLE
    return frozenset({"double"}) if isinstance(value, float) else json_kinds(value)


def written(kinds: Kinds) -> Kinds:
    """Moments and durations are texts in JSON."""
    return kinds | {"string"} if kinds & {"timestamp", "duration"} else kinds
