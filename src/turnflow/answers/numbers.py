"""Numbers as people write them: ASCII digits, a sign, a point. No commas, no digit groups: `1,250` means two things."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from math import isfinite

from turnflow.answers.unparsed import Unparsed

WHOLE = "Please send a whole number."
ANY = "Please send a number, such as 12 or 12.5."
TOO_LARGE = "That number is too large."
_LONGEST = 64
_LIMIT = 2**63


def whole(text: str) -> int:
    """Return the whole number, which fits 64 bits. Raises `Unparsed`."""
    text = text.strip()
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not (digits.isascii() and digits.isdigit()):
        raise Unparsed(WHOLE)
    if len(digits) > _LONGEST:
        raise Unparsed(TOO_LARGE)
    value = int(text)
    if -_LIMIT <= value < _LIMIT:
        return value
    raise Unparsed(TOO_LARGE)


def real(text: str) -> float:
    """Return the number; never infinite, never NaN. Raises `Unparsed`."""
    try:
        value = float(_plain(text))
    except ValueError:
        raise Unparsed(ANY) from None
    if not isfinite(value):
        raise Unparsed(TOO_LARGE)
    return value


def decimal(text: str) -> Decimal:
    """Return the number with every digit that was sent; its size fits a float. Raises `Unparsed`."""
    try:
        value = Decimal(_plain(text))
    except InvalidOperation:
        raise Unparsed(ANY) from None
    if not value.is_finite():
        raise Unparsed(ANY)
    if value and abs(value.adjusted()) > 300:
        raise Unparsed(TOO_LARGE)
    return value


def either(text: str) -> int | float:
    """Return an `int` if the number is written as one, else a `float`. Raises `Unparsed`."""
    try:
        return whole(text)
    except Unparsed as error:
        if error.reason == WHOLE:
            return real(text)
        raise


def between(min: int | float | None, max: int | float | None, only_whole: bool) -> Callable[[str], str]:
    """Return the check of `number(min, max)`: the text itself if its number is within the bounds, else `Unparsed`."""
    reader: Callable[[str], int | float | Decimal] = whole if only_whole else decimal

    def check(text: str) -> str:
        value = reader(text)
        if min is not None and value < min:
            raise Unparsed(f"The number must be at least {min}.")
        if max is not None and value > max:
            raise Unparsed(f"The number must be at most {max}.")
        return text

    return check


def _plain(text: str) -> str:
    text = text.strip()
    if not text.isascii() or "_" in text or not any(sign.isdigit() for sign in text[:_LONGEST]):
        raise Unparsed(ANY)
    if len(text) > _LONGEST:
        raise Unparsed(TOO_LARGE)
    return text
