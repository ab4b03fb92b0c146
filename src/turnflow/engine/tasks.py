"""Tasks for programs: look at them, wait for them, watch them, and tell them what to do, from any process with the store.

async for change in engine.tasks.watch(run, after=cursor):
    ...
await engine.tasks.retry(run, step="charge", by="ada")
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

import msgspec

from turnflow.core.definition import Flow
from turnflow.core.ids import RunId
from turnflow.core.state import TERMINAL, Status
from turnflow.engine.chronicle import Chronicle
from turnflow.engine.definitions import Definitions
from turnflow.engine.doors import StoreDoor
from turnflow.engine.orders import Orders
from turnflow.engine.task import START, Change, Cursor, StepRecord, Task, TaskNode
from turnflow.engine.task_book import TaskBook, parted
from turnflow.engine.watchers import OVER, News, Watchers
from turnflow.errors import EngineStopped
from turnflow.ports import Clock, Store

LOOK_AGAIN: Final = 0.5
"""Seconds after which the store is looked at again: other processes may run the task."""

TaskList: TypeAlias = list[Task]
StepList: TypeAlias = list[StepRecord]


class Tasks:
    """The tasks of one store."""

    def __init__(
        self, store: Store, definitions: Definitions, book: TaskBook, orders: Orders, watchers: Watchers | None = None
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._book = book
        self._orders = orders
        self._watchers = watchers or Watchers()

    # --- looking ----------------------------------------------------------------------------------------------------

    async def get(self, id: str) -> Task:
        """Return a task with its steps. Raises `UnknownRun`, `UndecodableRow` for a row that cannot be read."""
        return await self._book.get(id)

    async def list(
        self,
        *,
        flow: str | None = None,
        status: Status | Sequence[Status] = (),
        parent: str | None = None,
        root: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> TaskList:
        """Return tasks of runs without their steps, the youngest first, from behind the task `after`.

        `root`: those of one tree, whatever started them. Raises `UnknownRun` for a root that is not there.
        """
        wanted = (status,) if isinstance(status, str) else tuple(status)
        return await self._book.select(flow=flow, status=wanted, parent=parent, root=root, limit=limit, after=after)

    async def tree(self, id: str) -> TaskNode:
        """Return the whole tree that a task belongs to, from its root, whichever of its tasks is named. Raises `UnknownRun`."""
        return await self._book.tree(id)

    async def steps(self, id: str, under: str = "") -> StepList:
        """Return all steps of a run whose path begins with `under` (`orders[3]/`). Raises `UnknownRun`."""
        return await self._book.steps(id, under)

    async def definition(self, id: str) -> Flow | None:
        """Return the definition that a task goes by; None if nobody has it any more. Raises `UnknownRun`."""
        run, _ = parted(id)
        state = await self._book.state(run)
        return await self._definitions.of(state.flow, state.version, state.digest)

    async def wait(self, id: str, timeout: float | None = None) -> Task:  # noqa: ASYNC109 - a task is returned then
        """Return a task once it has ended, or as it is after `timeout` seconds.

        Raises `UnknownRun`, `EngineStopped` if the engine stops before.
        """
        run, _ = parted(id)
        with self._watchers.watch(run) as news, suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not await self._has_ended(id):
                    while (told := await self._next(news)) is not None and told.step:
                        pass
        return await self._book.get(id)

    async def watch(self, id: str, after: Cursor = START) -> AsyncIterator[Change]:
        """Yield the changes of a task behind `after`, none lost and none repeated; ends with the task.

        News of a step under way (`progress`, `part`) come in between as long as this process runs the task; nothing keeps them.
        Raises `UnknownRun`, `EngineStopped` if the engine stops before.
        """
        run, place = parted(id)
        await (self._book.row(run) if place is None else self._book.get(id))
        chronicle, last = Chronicle(self._store, self._definitions, run), after
        with self._watchers.watch(run) as news:
            while True:
                behind = chronicle.revision
                for change in await chronicle.read_on():
                    if change.cursor > after and _is_about(change, place):
                        last = change.cursor
                        yield change
                        if place and change.step is not None and change.step.ended is not None:
                            return
                if chronicle.revision > behind:
                    continue
                if chronicle.status in TERMINAL:
                    return
                while (told := await self._next(news)) is not None and told.step:
                    if place is None or told.step == place[0].rpartition("/")[2]:
                        yield _live(told, last)

    # --- telling ----------------------------------------------------------------------------------------------------

    async def cancel(self, id: str, *, by: str, reason: str = "") -> None:
        """End a task with all below it; of an action, only that: its step fails with the code `cancelled`.

        Cancelling twice changes nothing. Raises `UnknownRun`, `CallerError` if it has ended already.
        """
        await self._orders.cancel(id, by, reason)

    async def pause(self, id: str, *, by: str) -> None:
        """Let a run and all below it stand still, timers too; actions under way come to their end and are kept.

        Raises `UnknownRun`, `CallerError` if it has ended or is stuck or blocked.
        """
        await self._orders.pause(id, by)

    async def resume(self, id: str, *, by: str) -> None:
        """Let a run go on: a paused one (with all below it) where it stands, a failed or stuck one where that happened.

        One that is at work stays so. Raises `UnknownRun`, `CallerError` if there is nothing to go on with.
        """
        await self._orders.resume(id, by)

    async def retry(self, id: str, step: str | None = None, *, by: str) -> None:
        """Let a failed or stuck run go on where that happened, or on another of its steps; results so far stay.

        Raises `UnknownRun`, `CallerError` if it has not failed, or there is no such step outside of all groups.
        """
        await self._orders.retry(id, step, by)

    async def move(self, id: str, step: str, *, by: str) -> None:
        """Put a run that has not ended onto a step; what it is doing is cancelled.

        Raises `UnknownRun`, `CallerError` if it has ended, or there is no such step outside of all groups.
        """
        await self._orders.move(id, step, by)

    async def fork(self, id: str, step: str | None = None, *, by: str) -> RunId:
        """Start a new run as a copy of another, which is not touched, and return its id.

        It goes on at `step`, with the results of what came before that; else where the original stands, or stood when it failed.
        It has no parent; a conversation it shares. Raises `UnknownRun`, `CallerError` if there is no such step outside of
        all groups.
        """
        return await self._orders.fork(id, step, by)

    # --- private ----------------------------------------------------------------------------------------------------

    async def _has_ended(self, id: str) -> bool:
        run, place = parted(id)
        if place is not None:
            return (await self._book.get(id)).ended is not None
        return (await self._book.row(run)).status in TERMINAL

    async def _next(self, news: asyncio.Queue[News]) -> News | None:
        """Return what is new; None if nothing was for a while. Raises `EngineStopped`."""
        try:
            told = news.get_nowait()
        except asyncio.QueueEmpty:
            try:
                told = await asyncio.wait_for(news.get(), LOOK_AGAIN)
            except TimeoutError:
                return None
        if told is OVER:
            raise EngineStopped("the engine has stopped; ask a running one, with the last cursor")
        return told


def _is_about(change: Change, place: tuple[str, int] | None) -> bool:
    return place is None or (change.step is not None and (change.step.path, change.step.visit) == place)


def _live(told: News, last: Cursor) -> Change:
    if told.part:
        return Change("part", last, name=told.step, part=msgspec.json.decode(told.part))
    return Change("progress", last, name=told.step, progress=told.done, note=told.note)


def tasks_beside(store: Store, clock: Clock) -> Tasks:
    """Return the tasks of an open store for a process that runs no flows: who runs them takes up what they are told."""
    definitions = Definitions(store)
    book = TaskBook(store, definitions)
    return Tasks(store, definitions, book, Orders(book, definitions, StoreDoor(store, clock), clock))
