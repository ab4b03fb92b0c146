"""A task group whose members run for ever: leaving it cancels them, a failure of one of them ends the whole.

One that ignores its cancellation is left to itself after a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Final

log = logging.getLogger("turnflow.engine")

PATIENCE: Final = 3.0
"""Seconds that members have to end after they were cancelled."""


class Background(asyncio.TaskGroup):
    """Background services with one common life."""

    def __init__(self) -> None:
        super().__init__()
        self._members: set[asyncio.Task[None]] = set()

    def launch(self, service: Coroutine[object, object, None]) -> None:
        """Run a service until the group is left; once it has failed or been left, nothing more is begun."""
        try:
            task = self.create_task(service)
        except RuntimeError:
            service.close()
            return
        self._members.add(task)
        task.add_done_callback(self._members.discard)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        members = list(self._members)
        for task in members:
            task.cancel()
        _, deaf = await asyncio.wait(members, timeout=PATIENCE) if members else (set(), set())
        for task in deaf:  # user code that ignores its end must not keep the rest from ending in good order
            log.warning("something under way ignores that it was cancelled; it is left to itself: %r", task.get_coro())
            self._tasks.discard(task)
        await super().__aexit__(kind, error, trace)
