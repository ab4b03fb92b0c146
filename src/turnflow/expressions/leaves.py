"""The text of a template's string: literal parts and `${...}` expressions; `$${` is a literal `${`."""

from __future__ import annotations

import re
from typing import TypeAlias

from msgspec import Struct

from turnflow.errors import InvalidExpression
from turnflow.expressions.results import shown


class Embedded(Struct, frozen=True):
    """An expression inside a text, without its `${` and `}`."""

    source: str


Piece: TypeAlias = str | Embedded

REACH = 20_000
"""Characters after which an expression that has not ended is given up; more than the longest one has."""


def is_literal(text: str) -> bool:
    """Return whether the text means exactly itself."""
    return "${" not in text


def pieces(text: str) -> list[Piece]:
    """Return literal parts and expressions in order. Raises `InvalidExpression` for an expression that does not end."""
    found: list[Piece] = []
    at = 0
    while (start := text.find("${", at)) >= 0:
        if start > at and text[start - 1] == "$":
            found += (text[at : start - 1], "${")
            at = start + 2
            continue
        end = _end(text, start + 2)
        found += (text[at:start], Embedded(text[start + 2 : end].strip()))
        at = end + 1
    found.append(text[at:])
    return [piece for piece in found if piece]


# What may hold a brace that closes nothing (cel-spec, "Syntax"): comments, raw and plain strings with three quotes or one,
# names in backticks. A quote that opens nothing is no token.
_TOKEN = re.compile(
    r"""
    (?P<skip> //[^\n]*
      | (?:[rR][bB]?|[bB][rR]) (?: '{3} .*? '{3} | "{3} .*? "{3} | '[^'\n]*' | "[^"\n]*" )
      | '{3} (?: [^\\] | \\. )*? '{3} | "{3} (?: [^\\] | \\. )*? "{3}
      | ' (?: [^'\\\n] | \\. )* ' | " (?: [^"\\\n] | \\. )* " | `[^`\n]*`
      | [^{}'"`] )
    | (?P<open> \{ ) | (?P<close> \} )
    """,
    re.VERBOSE | re.DOTALL,
)


def _end(text: str, start: int) -> int:
    """The index of the brace that closes the expression begun before `start`."""
    depth, at = 0, start
    while found := _TOKEN.match(text, at, start + REACH):
        if found["open"]:
            depth += 1
        elif found["close"]:
            if depth == 0:
                return at
            depth -= 1
        at = found.end()
    message = (
        f"expression {shown(text[start - 2 :])} does not end: close it with `}}`, or write `$${{` for a literal `${{`"
    )
    raise InvalidExpression(text, message, column=start - 1)
