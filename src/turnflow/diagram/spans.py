"""Lengths of time in a person's words."""

from __future__ import annotations

from turnflow.core.ids import Millis

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms"))


def span(millis: Millis) -> str:
    """Return a duration exactly, in its two or more units as needed: `1 d 2 h`, `90 s` is `1 min 30 s`."""
    parts: list[str] = []
    for size, unit in _UNITS:
        count, millis = divmod(millis, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"
