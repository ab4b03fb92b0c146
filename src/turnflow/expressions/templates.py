"""Templates: JSON whose strings may hold `${...}` expressions, compiled once and rendered over values.

A string that is exactly one expression becomes the expression's value, of whatever type. With text around it, or several of
them, the string stays a string: numbers and bools as CEL's `string()`, null as nothing, lists and maps as compact JSON. Keys of
objects are never templates, and what was put in is never looked at again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TypeAlias

import msgspec
from msgspec import Struct

from turnflow.core.ids import Json
from turnflow.core.nodes import Template
from turnflow.errors import InvalidExpression, UserCodeError
from turnflow.expressions.expression import Expression, compile_expression
from turnflow.expressions.leaves import Embedded, is_literal, pieces
from turnflow.expressions.references import Path
from turnflow.expressions.results import shown

DEPTH = 100
"""Levels of lists and objects inside each other."""


class CompiledTemplate:
    """A template ready to render; made by `compile_template`."""

    __slots__ = ("_form", "references")

    references: frozenset[Path]
    """Member paths from the roots that any of its expressions may look at."""

    def __init__(self, form: _Form) -> None:
        self._form = form
        self.references = frozenset[Path]().union(*(expression.references for expression in _expressions(form)))

    def render(self, values: Mapping[str, Json]) -> Json:
        """Return the JSON with every expression replaced by what it comes to; parts may be shared: do not change them.

        `values` by root name, as for `Expression.evaluate`, whose `UserCodeError` it raises.
        """
        return _render(self._form, values)


def template(value: Json, names: Collection[str] = ()) -> Template:
    """Return the template of a JSON value, its expressions checked. Raises `InvalidExpression` for the first bad one."""
    return Template(value=value, static=isinstance(_form(value, names, DEPTH), _Literal))


def compile_template(template: Template, names: Collection[str] = ()) -> CompiledTemplate:
    """Return the compiled template; `names` are roots beside `ROOTS`. Raises `InvalidExpression`."""
    if template.static:
        return CompiledTemplate(_Literal(template.value))
    return _compiled(msgspec.json.encode(template.value), frozenset(names))


class _Literal(Struct, frozen=True):
    value: Json


class _Text(Struct, frozen=True):
    parts: tuple[str | Expression, ...]


class _List(Struct, frozen=True):
    items: tuple[_Form, ...]


class _Object(Struct, frozen=True):
    items: tuple[tuple[str, _Form], ...]


_Form: TypeAlias = _Literal | Expression | _Text | _List | _Object


@lru_cache(maxsize=1024)
def _compiled(encoded: bytes, names: frozenset[str]) -> CompiledTemplate:
    return CompiledTemplate(_form(msgspec.json.decode(encoded), names, DEPTH))


def _form(value: Json, names: Collection[str], depth: int) -> _Form:
    if isinstance(value, str):
        return _string(value, names)
    if not isinstance(value, list | dict):
        return _Literal(value)
    if depth == 0:
        raise InvalidExpression("", f"the template is nested deeper than {DEPTH} levels; make it flatter")
    if isinstance(value, list):
        items = tuple(_form(item, names, depth - 1) for item in value)
        return _Literal(value) if all(isinstance(item, _Literal) for item in items) else _List(items)
    members = tuple((key, _form(member, names, depth - 1)) for key, member in value.items())
    return _Literal(value) if all(isinstance(form, _Literal) for _, form in members) else _Object(members)


def _string(text: str, names: Collection[str]) -> _Form:
    if is_literal(text):
        return _Literal(text)
    parts = tuple(
        compile_expression(piece.source, names) if isinstance(piece, Embedded) else piece for piece in pieces(text)
    )
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return parts[0]
    return _Text(parts)


def _expressions(form: _Form) -> list[Expression]:
    match form:
        case _Literal():
            return []
        case Expression():
            return [form]
        case _Text(parts=parts):
            return [part for part in parts if isinstance(part, Expression)]
        case _List(items=items):
            return [found for item in items for found in _expressions(item)]
        case _Object(items=members):
            return [found for _, member in members for found in _expressions(member)]


def _render(form: _Form, values: Mapping[str, Json]) -> Json:
    match form:
        case _Literal(value=value):
            return value
        case Expression():
            return form.evaluate(values)
        case _Text(parts=parts):
            return "".join(part if isinstance(part, str) else _written(part, values) for part in parts)
        case _List(items=items):
            return [_render(item, values) for item in items]
        case _Object(items=members):
            return {key: _render(member, values) for key, member in members}


def _written(expression: Expression, values: Mapping[str, Json]) -> str:
    try:
        return _as_text(expression.evaluate(values))
    except (RecursionError, ValueError, TypeError) as error:
        message = f"what expression {shown(expression.source)} came to cannot be written as text: {error}"
        raise UserCodeError("expression", message) from None


def _as_text(value: Json) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case float():
            return str(compile_expression("string(input)").evaluate({"input": value}))
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return msgspec.json.encode(value).decode()
