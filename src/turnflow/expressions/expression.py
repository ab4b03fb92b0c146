"""One CEL expression: compiled once, evaluated over plain JSON.

CEL (cel-spec) is typed and total. Numbers: a JSON integer is an `int`, a JSON number with a fraction a `double`. Comparisons of
values mix them (`input.amount < 50` holds for 12.5), arithmetic does not (`input.amount * 2` fails for 12.5: write `2.0`, or
`double(...)`), and neither do two literals (`1 == 1.0` does not compile).
`now` is RFC 3339 text: `timestamp(now) + duration("1h")`.
The order of a map's keys is not kept by CEL, so a list made from a map's keys has no defined order.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final

from cel_expr_python import cel  # type: ignore[import-untyped]  # it has stubs, but no py.typed marker

from turnflow.core.ids import Json
from turnflow.errors import InvalidExpression, UserCodeError
from turnflow.expressions.budget import TooCostly, check_budget, needs_budget
from turnflow.expressions.intake import Unfit, check_intake
from turnflow.expressions.references import Path, Route, cut_roots, parts_of, references, route_of
from turnflow.expressions.results import NotJson, as_json, reason, shown
from turnflow.expressions.syntax import Node, read_syntax

ROOTS: Final = frozenset(
    {
        "input", "params", "data", "steps", "output", "error", "event",
        "item", "index", "run", "conversation", "message", "now",
    }
)  # fmt: skip
"""Names that every expression may use; which of them have a value depends on the place."""

LIMIT = 16 * 1024
"""Bytes of one expression's text."""

PARTS = 5_000
"""Words and signs of one expression; the library takes some 10 microseconds for each."""


class Expression:
    """A compiled expression; made by `compile_expression`."""

    __slots__ = ("_costly", "_parts", "_program", "_roots", "_route", "_type", "references", "source", "tree")

    source: str
    """Its text."""
    references: frozenset[Path]
    """Member paths from the roots it may look at, such as `("steps", "lookup", "output", "total")`."""
    tree: Node
    """Its syntax."""

    def __init__(self, source: str, program: cel.Expression, tree: Node, roots: Collection[str]) -> None:
        self.source = source
        self.tree = tree
        self.references = references(tree, roots)
        self._roots = roots
        self._costly = tree if needs_budget(tree) else None
        self._program = program
        self._type: str = program.return_type().name()
        self._parts = parts_of(self.references)
        # `has(input.a)` has the shape of `input.a` in the tree, but not its type.
        self._route = route_of(tree, roots) if self._type == "DYN" else None

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    def evaluate(self, values: Mapping[str, Json]) -> Json:
        """Return what the expression comes to over values by root name (plain JSON; parts not referred to may be missing).

        An expression that only names a part gives that part itself, uncopied: do not change it. Raises `UserCodeError`
        (`expression`) that names the expression and the reason.
        """
        if self._route is not None:
            return self._look_up(self._route, values)
        try:
            data = cut_roots(self._parts, values)
            check_intake(data)
            if self._costly is not None:
                check_budget(self._costly, self._roots, data)
            return as_json(self._program.eval(data=data))
        except TooCostly:
            raise self._failure(
                "it might take too long over these values; work on fewer of them, or in an action"
            ) from None
        except (RuntimeError, MemoryError) as error:
            raise self._failure(reason(str(error))) from error
        except (Unfit, NotJson) as error:
            raise self._failure(str(error)) from None

    def holds(self, values: Mapping[str, Json]) -> bool:
        """Return whether the condition is true. Raises `UserCodeError` as `evaluate` does, also for a result that is no bool."""
        result = self.evaluate(values)
        if not isinstance(result, bool):
            raise self._failure(f"a condition must be true or false, this one is {type(result).__name__}")
        return result

    def _look_up(self, route: Route, values: Mapping[str, Json]) -> Json:
        """A plain route needs no CEL: so it keeps the order of keys and integers of any size, and is quick."""
        root, *steps = route
        if root not in values:
            raise self._failure(f"{root} has no value here")
        value = values[str(root)]
        for step in steps:
            if isinstance(step, str) and isinstance(value, dict):
                if step not in value:
                    raise self._failure(reason(f'Key not found in map : "{step}"'))
                value = value[step]
            elif isinstance(step, int) and isinstance(value, list):
                if step >= len(value):
                    raise self._failure(f"no such index: {step} in a list of {len(value)}")
                value = value[step]
            else:
                what, kind = ("a member", "map") if isinstance(step, str) else (f"item {step}", "list")
                raise self._failure(f"{what} is asked of a value that is not a {kind}")
        return value

    def _failure(self, why: str) -> UserCodeError:
        return UserCodeError("expression", f"expression {shown(self.source)} failed: {why}")


def compile_expression(source: str, names: Collection[str] = ()) -> Expression:
    """Return the compiled expression; `names` are roots beside `ROOTS`. Raises `InvalidExpression`."""
    return _compiled(_checked(source), frozenset(names))


def compile_condition(source: str, names: Collection[str] = ()) -> Expression:
    """As `compile_expression`, and raises `InvalidExpression` if it can be seen that the result is not true or false."""
    expression = compile_expression(source, names)
    kind = expression._type
    if kind not in ("BOOL", "DYN"):
        message = (
            f"expression {shown(source)} must be true or false, it is of type {kind.lower()}; compare it with something"
        )
        raise InvalidExpression(source, message)
    return expression


def _checked(source: str) -> str:
    if len(source) > LIMIT or len(source.encode(errors="replace")) > LIMIT:
        message = f"expression {shown(source)} is longer than {LIMIT} bytes; compute it in an action"
        raise InvalidExpression(source, message)
    if len(source) > PARTS and sum(1 for _ in re.finditer(r"\w+|[^\s\w]", source)) > PARTS:
        message = f"expression {shown(source)} has more than {PARTS} words and signs; compute it in an action"
        raise InvalidExpression(source, message)
    if not source.isascii():
        try:
            source.encode()
        except UnicodeEncodeError as error:
            message = f"expression {source[:40]!a} is not valid Unicode text at character {error.start + 1}"
            raise InvalidExpression(source, message, column=error.start + 1) from None
    return source


@lru_cache(maxsize=1024)
def _compiled(source: str, names: frozenset[str]) -> Expression:
    roots = ROOTS | names
    try:
        program = _environment(names).compile(source)
    except RuntimeError as error:
        raise _invalid(source, str(error), roots) from None
    return Expression(source, program, read_syntax(program.serialize()), roots)


@lru_cache(maxsize=64)
def _environment(names: frozenset[str]) -> cel.Env:
    return cel.NewEnv(variables=dict.fromkeys(sorted(ROOTS | names), cel.Type.DYN))


def _invalid(source: str, report: str, roots: frozenset[str]) -> InvalidExpression:
    """The library's first complaint, with the place and, for an unknown name, the closest known one."""
    found = re.search(r"<input>:(-?\d+):(-?\d+): (.*)", report)
    line, column, text = (int(found[1]), int(found[2]), found[3]) if found else (1, 1, report)
    line, column = max(line, 1), max(column, 1)
    text = reason(text)
    unknown = re.match(r"undeclared reference to '([^']+)'", text)
    if not source.strip():
        text = "it is empty"
    elif unknown:
        text = _unknown(unknown[1].lstrip(".").split(".")[0], roots)
    elif "recursion" in text:
        text = "it is nested too deeply (32 levels are allowed); split it"
    message = f"expression {shown(source)}, line {line}, column {column}: {text}"
    return InvalidExpression(source, message, line, column)


def _unknown(name: str, roots: frozenset[str]) -> str:
    close = difflib.get_close_matches(name, sorted(roots), 1)
    hint = f"did you mean {close[0]!r}?" if close else f"the roots are {', '.join(sorted(roots))}"
    return f"{name!r} is not known here; {hint}"
