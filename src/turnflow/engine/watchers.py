"""Live news of actions under way: how far they have come, and parts of their output. Kept in memory only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from turnflow.core.ids import RunId, StepName


class News(NamedTuple):
    """Something an action under way has let be known, or (without a step) that a run has changed."""

    run: RunId
    step: StepName = StepName("")
    done: float | None = None
    """How far it has come, 0..1."""
    note: str = ""
    part: bytes = b""
    """A part of its output, JSON."""


OVER: Final = News(RunId(""))
"""The engine stops: there will be no more news."""
KEPT: Final = 1_000
"""News kept for one who is slow to look; what comes then is not told (what counts stands in the journal)."""


class Watchers:
    """Whoever looks on while runs are at work."""

    def __init__(self) -> None:
        self._queues: dict[RunId, list[asyncio.Queue[News]]] = {}

    @contextmanager
    def watch(self, run: RunId) -> Iterator[asyncio.Queue[News]]:
        """Collect the news of a run for as long as the block lasts."""
        queue: asyncio.Queue[News] = asyncio.Queue()
        self._queues.setdefault(run, []).append(queue)
        try:
            yield queue
        finally:
            self._queues[run].remove(queue)
            if not self._queues[run]:
                del self._queues[run]

    def tell(self, news: News) -> None:
        """Hand news to those who look on."""
        for queue in self._queues.get(news.run, ()):
            if queue.qsize() < KEPT:
                queue.put_nowait(news)

    def changed(self, runs: Iterable[RunId]) -> None:
        """Tell that runs have changed."""
        if self._queues:
            for run in runs:
                self.tell(News(run))

    def dismiss(self) -> None:
        """Send everybody away."""
        for queues in self._queues.values():
            for queue in queues:
                queue.put_nowait(OVER)

    def progress(self, run: RunId, step: StepName, done: float, note: str) -> None:
        """Tell how far an action has come."""
        self.tell(News(run, step, done, note))

    def partial(self, run: RunId, step: StepName, part: bytes) -> None:
        """Tell a part of an action's output."""
        self.tell(News(run, step, part=part))
