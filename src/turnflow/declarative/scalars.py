"""What a plain scalar means: the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), no more.

`yes`, `no`, `on`, `off` and dates are strings, `012` is twelve, `0o14` is octal. Numbers JSON cannot hold are refused.
"""

from __future__ import annotations

import re
from math import isinf
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

LARGEST = 2**63
"""Whole numbers lie from -LARGEST up to below LARGEST."""

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9]+\Z")
_OTHER_BASE = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_MOST_DIGITS = 64


class BadScalar(ValueError):
    """A scalar that JSON has no value for; the message is the sentence for the author."""


def scalar(text: str) -> Scalar:
    """Return the value of a plain scalar. Raises `BadScalar`."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _WHOLE.match(text):
        return whole(text, 10)
    if _OTHER_BASE.match(text):
        return whole(text[2:], 8 if text[1] == "o" else 16)
    if _REAL.match(text):
        return real(text)
    if _NO_NUMBER.match(text):
        raise BadScalar(f"{text} is no number that JSON knows; leave it out, or put it in quotes if text is meant")
    return text


def whole(digits: str, base: int) -> int:
    """Return a whole number of 64 bits. Raises `BadScalar`."""
    value = LARGEST if len(digits) > _MOST_DIGITS else int(digits, base)
    if not -LARGEST <= value < LARGEST:
        raise BadScalar(f"{digits[:24]} does not fit 64 bits; put it in quotes if it is an identifier")
    return value


def real(text: str) -> float:
    """Return a finite number with a fraction. Raises `BadScalar`."""
    value = float(text)
    if isinf(value):
        raise BadScalar(f"{text[:24]} is too large for a number")
    return value
