"""Durations as authors write them; the core counts in milliseconds."""

from __future__ import annotations

from datetime import timedelta

from turnflow.core.ids import Millis


def seconds(count: float) -> timedelta:
    """Return a duration of `count` seconds."""
    return timedelta(seconds=count)


def minutes(count: float) -> timedelta:
    """Return a duration of `count` minutes."""
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    """Return a duration of `count` hours."""
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    """Return a duration of `count` days of 24 hours."""
    return timedelta(days=count)


def millis(duration: timedelta) -> Millis:
    """Return a duration in whole milliseconds."""
    return duration // timedelta(milliseconds=1)
