"""The only place where the engine looks at a clock."""

from __future__ import annotations

import asyncio
import time

from turnflow.core.ids import At


class SystemClock:
    """The machine's clock."""

    def now(self) -> At:
        """Return milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        await asyncio.sleep(seconds)
