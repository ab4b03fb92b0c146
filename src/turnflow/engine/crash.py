"""Named crash points: places where a test may end the process, to prove that nothing is lost or done twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

CRASH_POINTS: Final = (
    "deliver.begin",
    "accept.before",
    "accept.after",
    "turn.begin",
    "turn.before_handler",
    "turn.after_handler",
    "turn.before_commit",
    "turn.after_commit",
    "action.before",
    "action.after",
    "action.recorded",
    "work.before",
    "work.recorded",
    "work.after",
    "work.returned",
    "send.before",
    "send.after",
    "timer.before",
    "recovery.begin",
    "recovery.before_resume",
    "recovery.end",
)
"""All points of the engine; stores add their own."""

Crash: TypeAlias = Callable[[str], None]


def no_crash(point: str) -> None:
    """Let the process live."""
