"""Workers that take ready things one after the other, and are joined by more as soon as one of them has to wait.

A turn of an idle conversation never waits for anything but its commit, so usually one worker does everything that is ready in
one go, without a task per turn: the turns, their commit, and the sending of what they said. A worker that is held up (a slow
handler, a slow network) is simply joined by another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from turnflow.engine.background import Background

T = TypeVar("T")


class Pool:
    """Runs what is put in, in order of arrival; then `drained()`, once for all that was ready."""

    __slots__ = ("_at_work", "_drained", "_idle", "_looking", "_loop", "_ready", "_tasks")

    def __init__(self, tasks: Background, drained: Callable[[], Awaitable[None]]) -> None:
        self._tasks = tasks
        self._drained = drained
        self._loop = asyncio.get_running_loop()
        self._ready: deque[tuple[Callable[..., Awaitable[None]], object]] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._at_work = 0
        self._looking = False
        """Somebody will look at what is ready when the loop comes round."""

    @property
    def empty(self) -> bool:
        """Nothing is ready: the worker that asks will call `drained` when it is done with what it does."""
        return not self._ready

    def put(self, work: Callable[[T], Awaitable[None]], item: T) -> None:
        """Have `work(item)` run soon."""
        self._ready.append((work, item))
        if not self._looking:
            self._looking = True
            if self._at_work:
                self._loop.call_soon(self._look)
            else:
                self._rouse()

    def _look(self) -> None:
        self._looking = False
        if self._ready:
            self._looking = True
            self._rouse()

    def _rouse(self) -> None:
        """Have an idle worker, or a new one, look at what is ready."""
        while self._idle:
            waiter = self._idle.pop()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._tasks.launch(self._run())

    async def _run(self) -> None:
        while True:
            self._looking = False
            self._at_work += 1
            try:
                await self._drain()
            finally:
                self._at_work -= 1
            waiter = self._loop.create_future()
            self._idle.append(waiter)
            await waiter

    async def _drain(self) -> None:
        while self._ready:
            work, item = self._ready.popleft()
            if self._ready and not self._looking:  # if this worker is held up, another one goes on
                self._looking = True
                self._loop.call_soon(self._look)
            await work(item)
            if not self._ready:
                await self._drained()
