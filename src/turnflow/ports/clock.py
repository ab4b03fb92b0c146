"""The clock port."""

from __future__ import annotations

from typing import Protocol

from turnflow.core.ids import At


class Clock(Protocol):
    """The only source of time outside the core."""

    def now(self) -> At:
        """Return milliseconds since the epoch."""

    async def sleep(self, seconds: float) -> None:
        """Return after that time has passed on this clock."""
