"""Cron expressions in time zones: what is wrong with one, and when it is due.

Five fields as in Debian's cron: minute, hour, day of the month, month, day of the week. Clock changes are treated as there. An
expression whose minute and hour both begin with a number means times of day: one that a change skips comes at the first moment
after the gap, one that the day has twice comes the first time only. An expression whose minute or hour begins with `*` goes by
the time that passes: it comes in both of the repeated hours, and not at all in the skipped one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from turnflow.core.definition import Trigger
from turnflow.core.ids import At, Millis
from turnflow.errors import Problem

LONGEST: Final = 200
"""Most characters of an expression."""
_SOMETIME: Final[At] = 1_704_067_200_000
"""1 January 2024, when looking whether an expression is ever due begins."""
_HOUR: Final[Millis] = 3_600_000


def expression_problem(expression: str) -> str:
    """Return what is wrong with a cron expression and how to write it, "" if nothing is."""
    hint = "write five fields (minute, hour, day of month, month, day of week), as in '0 2 * * *'"
    if len(expression) > LONGEST:
        return f"a cron expression has at most {LONGEST} characters, this one {len(expression)}; {hint}"
    fields = len(expression.split())
    if fields != 5:
        return f"the cron expression {expression!r} has {fields} fields; {hint}"
    try:
        first = next_due(expression, "UTC", _SOMETIME)
    except (CronSimError, AssertionError, ValueError, TypeError) as error:
        told = f" ({str(error)[0].lower()}{str(error)[1:]})" if str(error) else ""
        return f"{expression!r} is no cron expression{told}; {hint}"
    return "" if first is not None else f"the cron expression {expression!r} is never due; name a day that exists"


def zone_problem(zone: str) -> str:
    """Return what is wrong with the name of a time zone, "" if nothing is."""
    try:
        _zone(zone)
    except (KeyError, ValueError, OSError):
        return f"there is no time zone {zone!r} here; write an IANA name, as in Europe/Berlin (and install tzdata if need be)"
    return ""


def schedule_problems(triggers: Iterable[Trigger]) -> tuple[Problem, ...]:
    """Return what is wrong with the times and time zones of schedules."""
    found: list[Problem] = []
    for index, trigger in enumerate(triggers):
        if trigger.kind != "schedule":
            continue
        for code, problem in (
            ("bad_schedule", expression_problem(trigger.value)),
            ("unknown_zone", zone_problem(trigger.zone)),
        ):
            if problem:
                found.append(Problem(code, f"triggers[{index}]", problem))
    return tuple(found)


def next_due(expression: str, zone: str, after: At) -> At | None:
    """Return the first moment behind `after` (milliseconds) at which an expression is due; None: never again.

    Both must be free of problems.
    """
    return next(_moments(expression, zone, after), None)


def due_between(expression: str, zone: str, first: At, last: At, most: int) -> list[At]:
    """Return the moments of an expression from `first` to `last` (milliseconds, both included), at most the newest `most`.

    The cost follows `most`, not how long ago `first` is.
    """
    span = _HOUR
    while True:
        start = max(first, last - span)
        found = list(takewhile(lambda moment: moment <= last, _moments(expression, zone, start - 1)))
        if start == first or len(found) >= most:
            return found[-most:]
        span *= 2


def _moments(expression: str, zone: str, after: At) -> Iterator[At]:
    begin = datetime.fromtimestamp(after // 1000, _zone(zone))
    for moment in CronSim(expression, begin):
        due = int(moment.timestamp()) * 1000
        if due > after:  # in the second of two equal hours, the clock shows times that were due in the first
            yield due


@lru_cache(maxsize=1024)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)
