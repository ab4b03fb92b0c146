"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from turnflow.core.ids import At

MORNING: Final[At] = 1_767_258_000_000
"""Thursday, 1 January 2026, 9:00 UTC."""


class FakeClock:
    """`ports.Clock` for tests. `start` is in milliseconds since the epoch."""

    def __init__(self, start: At = MORNING) -> None:
        self._now = start
        self._sleepers: list[tuple[At, asyncio.Future[None]]] = []

    def now(self) -> At:
        """Return milliseconds since the epoch."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return once the clock has been moved that far."""
        if seconds <= 0:
            return await asyncio.sleep(0)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = (self._now + round(seconds * 1000), woken)
        self._sleepers.append(sleeper)
        try:
            return await woken
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0, milliseconds: float = 0
    ) -> None:
        """Move on; whoever sleeps until then is woken, in the order of their times."""
        passed = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
        self.move_to(self._now + passed // timedelta(milliseconds=1))

    def move_to(self, moment: At) -> None:
        """Move to a moment in milliseconds since the epoch; an earlier one makes the clock jump back."""
        self._now = moment
        for due, woken in sorted(self._sleepers, key=lambda sleeper: sleeper[0]):
            if due <= moment and not woken.done():
                woken.set_result(None)
