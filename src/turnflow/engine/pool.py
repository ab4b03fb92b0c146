"""Workers that take ready things one after the other, and are joined by more as soon as one of them has to wait.

A turn of an idle conversation never waits for anything but its commit, so usually one worker does everything that is ready in
one go, without a task per turn. A worker that is held up (a slow handler, a slow network) is simply joined by another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from turnflow.engine.tasks import Tasks

T = TypeVar("T")


class Pool(Generic[T]):
    """Runs `work(item)` for every item put in, in order of arrival, each in some task of `tasks`."""

    __slots__ = ("_idle", "_loop", "_pumping", "_ready", "_tasks", "_work", "busy")

    def __init__(self, tasks: Tasks, work: Callable[[T], Awaitable[None]]) -> None:
        self._tasks = tasks
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._ready: deque[T] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._pumping = False
        self.busy = 0
        """Workers at work or held up."""

    def put(self, item: T) -> None:
        """Have an item worked on soon."""
        self._ready.append(item)
        self._pump_soon()

    def _pump_soon(self) -> None:
        if not self._pumping:
            self._pumping = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        if not self._ready:
            return
        while self._idle:
            waiter = self._idle.pop()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._tasks.launch(self._run())

    async def _run(self) -> None:
        while True:
            self.busy += 1
            try:
                while self._ready:
                    item = self._ready.popleft()
                    if self._ready:
                        self._pump_soon()
                    await self._work(item)
            finally:
                self.busy -= 1
            waiter = self._loop.create_future()
            self._idle.append(waiter)
            await waiter
