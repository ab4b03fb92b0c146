"""One life of an engine: from its opening to an orderly stop, or to a crash after which nothing of it is left.

A crash is an exception at a named point that nobody catches. From that moment on every further crash point of the same life
raises too, so that nothing more is written or sent; then all its tasks are dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from difflib import get_close_matches
from typing import Final, TypeVar

from turnflow import engine, stores
from turnflow.engine import Engine, Process
from turnflow.engine.crash import Crash
from turnflow.errors import CallerError

T = TypeVar("T")
POINTS: Final = (*engine.CRASH_POINTS, *stores.CRASH_POINTS)


class Crashed(BaseException):
    """A crash point ended the engine. Not an `Exception`: no handler and no cleaning up of the engine's takes note of it."""


class Fuse:
    """Which crash points are to end the engine; it outlives engines."""

    def __init__(self) -> None:
        self._armed: list[tuple[str, int]] = []
        self.reached: list[str] = []
        """All points that were reached, in order."""
        self.blown: list[str] = []
        """Those that ended a life."""

    @property
    def armed(self) -> tuple[str, ...]:
        """Points that are still to end a life, the next one first."""
        return tuple(point for point, _ in self._armed)

    def arm(self, point: str, hit: int = 1) -> None:
        """Let the engine die when it reaches a point for the `hit`-th time, once what was armed before has happened.

        Raises `CallerError` for a point that does not exist.
        """
        if point not in POINTS:
            close = get_close_matches(point, POINTS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise CallerError(f"there is no crash point {point!r}{hint}")
        self._armed.append((point, hit))

    def disarm(self) -> None:
        """Let no point end a life any more."""
        self._armed.clear()

    def blows(self, point: str) -> bool:
        """Take note of a point; tell whether the engine dies there."""
        self.reached.append(point)
        if not self._armed or self._armed[0][0] != point:
            return False
        if self._armed[0][1] > 1:
            self._armed[0] = (point, self._armed[0][1] - 1)
            return False
        del self._armed[0]
        self.blown.append(point)
        return True


class Life:
    """One life of an engine. `run()` is its task; everything else talks to it from outside."""

    def __init__(self, make: Callable[[Crash], Process], fuse: Fuse, tasks: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._fuse = fuse
        self._tasks = tasks
        self._stop = asyncio.Event()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._over: asyncio.Future[BaseException | None] = loop.create_future()
        self.crashed = False
        self.process = make(self.reach)
        self.engine = Engine(self.process)

    def reach(self, point: str) -> None:
        """Be told of a crash point; raises `Crashed` if it ends this life or if that is over already."""
        if self.crashed:
            raise Crashed(point)
        if self._fuse.blows(point):
            self.crashed = True
            self._loop.call_soon_threadsafe(self._stop.set)
            raise Crashed(point)

    async def run(self) -> None:
        """Open the engine, wait for the end, and end it; all of it in this task."""
        cause: BaseException | None = None
        try:
            await self.process.__aenter__()
            self._opened.set_result(None)
            await self._stop.wait()
            if not self.crashed:
                await self.process.__aexit__(None, None, None)
                self._over.set_result(None)
                return
        except (Crashed, asyncio.CancelledError, Exception) as error:
            cause = error
        try:
            await self.process.abandon()
        except BaseExceptionGroup as errors:
            _, others = errors.split(Crashed)
            cause = others or cause
        self._over.set_result(Crashed() if self.crashed else cause)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError

    async def open(self) -> None:
        """Return once the engine is open. Raises `Crashed`, or why it could not be opened."""
        await asyncio.wait((self._opened, self._over), return_when=asyncio.FIRST_COMPLETED)
        if self._over.done():
            raise self._over.result() or Crashed()

    async def stop(self) -> None:
        """Stop the engine in an orderly way. Raises `Crashed` if it reached a crash point meanwhile."""
        self._stop.set()
        cause = await asyncio.shield(self._over)
        if cause is not None:
            raise cause

    async def during(self, work: Coroutine[object, object, T]) -> T:
        """Do something that needs the engine. Raises `Crashed` once the life is over and the work, unfinished, dropped."""
        done: asyncio.Future[T] = self._loop.create_future()
        task = self._tasks.create_task(_into(done, work))
        try:
            await asyncio.wait((done, self._over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not done.done():
                task.cancel()
        failure = done.exception() if done.done() else None
        if done.done() and not isinstance(failure, Crashed):
            return done.result()
        raise await asyncio.shield(self._over) or Crashed()


async def _into(done: asyncio.Future[T], work: Coroutine[object, object, T]) -> None:
    try:
        result = await work
    except (Crashed, Exception) as error:
        if not done.done():
            done.set_exception(error)
    else:
        if not done.done():
            done.set_result(result)
