"""Limits an annotation puts on a value: msgspec or pydantic judge, and the reason is told in a person's words."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import TypeAlias

import msgspec

from turnflow.answers import models, texts
from turnflow.answers.annotations import Annotation, name_of
from turnflow.answers.unparsed import Unparsed
from turnflow.errors import AuthorError

Check: TypeAlias = Callable[[object], object]

_NUMBER_LIMITS: tuple[tuple[str, str, Callable[[Decimal, Decimal], bool]], ...] = (
    ("ge", "at least", operator.ge),
    ("gt", "greater than", operator.gt),
    ("le", "at most", operator.le),
    ("lt", "less than", operator.lt),
    ("multiple_of", "a multiple of", lambda value, limit: _is_multiple(value, limit)),
)


def check_of(annotation: Annotation) -> Check | None:
    """Return what validates a value of the annotation's type, or None if there is nothing to validate."""
    checks: list[Check] = []
    if any(isinstance(item, msgspec.Meta) for item in annotation.metadata):
        checks.append(_by_msgspec(annotation))
    if any(models.validates(item) for item in annotation.constraints):
        checks.append(models.from_value(annotation.whole))
    if not checks:
        return None

    def check(value: object) -> object:
        try:
            for step in checks:
                value = step(value)
        except Unparsed as error:
            raise Unparsed(_explain(value, annotation.constraints) or error.reason) from None
        return value

    return check


def _by_msgspec(annotation: Annotation) -> Check:
    kind = annotation.whole
    try:
        msgspec.json.Decoder(kind)
    except TypeError as error:
        name = name_of(annotation.core)
        raise AuthorError(f"msgspec cannot check Annotated[{name}, Meta(...)]: {error}; use pydantic.Field") from error
    convert = msgspec.convert

    def check(value: object) -> object:
        try:
            return convert(value, kind)
        except msgspec.ValidationError as error:
            raise Unparsed(f"That does not fit: {str(error).replace('`', '')}.") from None

    return check


def _explain(value: object, constraints: Iterable[object]) -> str | None:
    for item in _flat(constraints):
        if isinstance(value, (int, float, Decimal)):
            for name, words, holds in _NUMBER_LIMITS:
                limit = getattr(item, name, None)
                if isinstance(limit, (int, float, Decimal)) and not holds(Decimal(value), Decimal(limit)):
                    return f"The number must be {words} {limit}."
        elif isinstance(value, str):
            least, most = getattr(item, "min_length", None), getattr(item, "max_length", None)
            if isinstance(least, int) and len(value) < least:
                return texts.too_short(least)
            if isinstance(most, int) and len(value) > most:
                return texts.too_long(most)
            if getattr(item, "pattern", None) is not None:
                return texts.WRONG_FORM
    return None


def _is_multiple(value: Decimal, limit: Decimal) -> bool:
    try:
        return value % limit == 0
    except ArithmeticError:  # too far apart for a remainder
        return False


def _flat(constraints: Iterable[object]) -> Iterator[object]:
    for item in constraints:
        yield item
        inner = getattr(item, "metadata", ())
        if isinstance(inner, (list, tuple)):
            yield from inner
