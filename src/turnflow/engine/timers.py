"""Timers that fire by themselves: rows in the store, of which memory holds only those that are due soon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Final

from turnflow.core.ids import At, Millis, RunId, TimerId
from turnflow.ports import Clock, TimerRecord

WINDOW: Final[Millis] = 60_000
"""How far memory looks ahead."""


class Timers:
    """The look-ahead window: fires what is due, in the order of its time."""

    def __init__(self, tasks: asyncio.TaskGroup, clock: Clock, fire: Callable[[TimerRecord], None]) -> None:
        self._tasks = tasks
        self._clock = clock
        self._fire = fire
        self._heap: list[tuple[At, int, RunId, TimerId]] = []
        self._records: dict[tuple[RunId, TimerId], TimerRecord] = {}
        self._fired: dict[tuple[RunId, TimerId], At] = {}
        self._count = 0
        self._changed: asyncio.Future[None] | None = None

    @property
    def next_due(self) -> At | None:
        """When the next timer in memory is due."""
        while self._heap:
            due, _, run, timer = self._heap[0]
            record = self._records.get((run, timer))
            if record is not None and record.due == due:
                return due
            heappop(self._heap)
        return None

    def add(self, records: Iterable[TimerRecord]) -> None:
        """Take note of timers; those beyond the window are left to the store."""
        horizon = self._clock.now() + WINDOW
        for record in records:
            place = (record.run, record.timer)
            if record.due > horizon:
                self._records.pop(place, None)  # it was put off: what memory holds of it no longer counts
                continue
            if self._fired.get(place) == record.due or self._records.get(place) == record:
                continue
            first = self.next_due
            self._records[place] = record
            self._count += 1
            heappush(self._heap, (record.due, self._count, record.run, record.timer))
            if first is None or record.due < first:
                self._rouse()

    def clear(self, places: Iterable[tuple[RunId, TimerId]]) -> None:
        """Forget timers that the store no longer has."""
        for place in places:
            self._records.pop(place, None)
            self._fired.pop(place, None)

    def fire_due(self) -> None:
        """Fire everything whose time has come."""
        now = self._clock.now()
        while (due := self.next_due) is not None and due <= now:
            _, _, run, timer = heappop(self._heap)
            record = self._records.pop((run, timer))
            self._fired[run, timer] = record.due
            self._fire(record)

    def _rouse(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def run(self) -> None:
        """Fire timers for ever."""
        loop = asyncio.get_running_loop()
        while True:
            self.fire_due()
            self._changed = loop.create_future()
            due = self.next_due
            if due is None:
                await self._changed
                continue
            sleep = self._tasks.create_task(self._clock.sleep(max(0, due - self._clock.now()) / 1000))
            try:
                await asyncio.wait((sleep, self._changed), return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleep.cancel()
