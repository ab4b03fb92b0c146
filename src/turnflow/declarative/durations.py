"""Durations as documents write them: `250ms`, `10s`, `5m`, `24h`, `7d`, `1h30m`, a number of seconds, or ISO 8601 (`PT10S`)."""

from __future__ import annotations

import re
from decimal import Decimal

from turnflow.core.ids import Json, Millis

UNITS: dict[str, Millis] = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
LONGEST: Millis = 100 * 366 * 86_400_000
"""A century; longer waits are mistakes."""
PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$|^P([0-9]+W)?([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?$"

_PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_ISO = re.compile(
    r"P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{1,9})?)S)?)?", re.ASCII
)
_ISO_UNITS = (7 * UNITS["d"], UNITS["d"], UNITS["h"], UNITS["m"], UNITS["s"])


def duration(value: Json) -> Millis | None:
    """Return a duration in milliseconds, or None for what is none, is negative, over a century or no whole milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    total = _text(value) if isinstance(value, str) else Decimal(str(value)) * 1000
    if total is None or total != total.to_integral_value() or not 0 <= total <= LONGEST:
        return None
    return int(total)


def words(millis: Millis) -> str:
    """Return a duration in the largest unit it is a whole number of."""
    unit = next(name for name, size in UNITS.items() if millis % size == 0 and (millis or name == "s"))
    return f"{millis // UNITS[unit]}{unit}"


def _text(text: str) -> Decimal | None:
    found = _ISO.fullmatch(text)
    if found is not None:
        parts = found.groups()
        if not any(parts) or text.endswith("T"):
            return None
        return sum((Decimal(part) * size for part, size in zip(parts, _ISO_UNITS, strict=True) if part), Decimal(0))
    pieces = _PART.findall(text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        return None
    return sum((Decimal(number) * UNITS[unit] for number, unit in pieces), Decimal(0))
