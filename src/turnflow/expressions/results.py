"""What CEL comes to, as plain JSON, and its reports in words that help."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from turnflow.core.ids import Json

SHOWN = 80


class NotJson(Exception):
    """A result has no JSON form; the message says what it is."""


class CelValue(Protocol):
    """What the library comes to."""

    def type(self) -> CelType:
        """Return its type."""

    def value(self) -> object:
        """Return the Python value; of lists and maps the items are values of the library again."""


class CelType(Protocol):
    """The type of a value."""

    def name(self) -> str:
        """Return its name in capitals; of lists and maps with parameters."""


def as_json(value: CelValue) -> Json:
    """Return a value of the CEL library as JSON. Raises `NotJson`, also with the report of an error value.

    Moments become RFC 3339 text, durations seconds as text (`3600s`). Maps that CEL built get their keys in sorted order, since
    CEL keeps none.
    """
    kind = value.type().name()
    if kind == "NULL":
        return None  # asked for it, the library (0.1.3) gives away a reference to None that it never took
    match value.value():
        case str(report) if kind == "ERROR":
            raise NotJson(reason(report))
        case (bool() | int() | str()) as plain:
            return plain
        case float(number):
            if not math.isfinite(number):
                raise NotJson(f"the result has the number {number}, which JSON does not know")
            return number
        case list(items):
            return [as_json(item) for item in items]
        case dict(members):
            if not all(isinstance(key, str) for key in members):
                raise NotJson("the result has a map with keys that are not text; use string(...) for them")
            return {key: as_json(members[key]) for key in sorted(members)}
        case datetime() as moment:
            return _moment(moment)
        case timedelta() as duration:
            return _seconds(duration)
        case _:
            raise NotJson(f"the result has a value of type {kind.lower()}, which JSON does not know; use string(...)")


def reason(report: str) -> str:
    """Return a report of the library in the words of an author."""
    text = re.sub(r"^[A-Z_]+: ", "", report)
    text = re.sub(r" \[[A-Z_]+\]$", "", text)
    for pattern, words in _REASONS:
        found = re.match(pattern, text)
        if found:
            return found.expand(words)
    return text


def shown(source: str) -> str:
    """Return the text of an expression for a message, cut if it is long."""
    return f"`{source if len(source) <= SHOWN else source[: SHOWN - 1] + '…'}`"


_REASONS = (
    (r'Key not found in map : "(.*)"$', r'no such key "\1"; guard it with has(...) if it may be absent'),
    (r"Key not found in map : (.*)$", r"no such key \1"),
    (r'No value with name "(.*)" found in Activation$', r"\1 has no value here"),
    (
        r"No matching overloads found : (.*)$",
        r"no such overload: \1; convert with int(...), double(...) or string(...)",
    ),
    (r"Applying SELECT to non-message type$", r"a member is asked of a value that is not a map"),
    (r"Index error: index=(.*) size=(.*)$", r"no such index: \1 in a list of \2"),
    (r"divide by zero$", r"division by zero"),
    (r"maximum recursion depth exceeded", r"its values are nested too deeply"),
    (r"Iteration budget exceeded$", r"too many iterations; work on shorter lists"),
)


def _moment(value: datetime) -> str:
    seconds, _, fraction = value.astimezone(UTC).replace(tzinfo=None).isoformat().partition(".")
    return f"{seconds}.{fraction.rstrip('0')}Z" if fraction else f"{seconds}Z"


def _seconds(value: timedelta) -> str:
    if value < timedelta():
        return f"-{_seconds(-value)}"
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    return f"{value // timedelta(seconds=1)}{fraction}s"
