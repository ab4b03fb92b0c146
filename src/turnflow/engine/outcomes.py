"""What the steps of flow graphs came to: rows in the store, the recent ones in memory, found by the path of the step."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Raw

from turnflow.core.frames import StepResult
from turnflow.core.ids import RunId
from turnflow.ports import ResultRecord, Store

PREFIX: Final = "step/"
RUNS_KEPT: Final = 1_000
"""Runs whose results stay in memory."""
LISTS_KEPT: Final = 64
"""Loops whose items are in memory, taken apart."""
PATHS_KEPT: Final = 50_000
"""Results in memory in all."""

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(StepResult)


class NotLoaded(Exception):
    """An expression refers to results that are not in memory; they are loaded and it is evaluated anew."""

    def __init__(self, run: RunId, path: str, *, below: bool = False) -> None:
        self.run = run
        self.path = path
        self.below = below
        """All iterations of the path are wanted, not the path itself."""
        super().__init__(f"{run}: {path}")


class Known:
    """Results of one run in memory."""

    __slots__ = ("below", "complete", "results")

    def __init__(self) -> None:
        self.results: dict[str, StepResult | None] = {}
        self.below: set[str] = set()
        """Paths whose iterations have all been loaded."""
        self.complete = False
        """Everything this run ever came to is here."""


class Outcomes:
    """Results by run and path. What is not in memory is asked of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs: OrderedDict[RunId, Known] = OrderedDict()
        self._count = 0
        self._items: OrderedDict[tuple[RunId, str, int], list[Raw]] = OrderedDict()

    def items(self, run: RunId, result: StepResult) -> list[Raw]:
        """Return the items of a loop, taken apart once."""
        key = (run, result.path, result.visit)
        found = self._items.get(key)
        if found is None:
            found = self._items[key] = msgspec.json.decode(result.output or b"[]", type=list[Raw])
            if len(self._items) > LISTS_KEPT:
                self._items.popitem(last=False)
        return found

    def begin(self, run: RunId) -> None:
        """Note a run that has just begun: there is nothing to load for it."""
        self._of(run).complete = True

    def add(self, run: RunId, results: Iterable[StepResult]) -> None:
        """Note results that have been committed."""
        known = self._of(run)
        for result in results:
            known.results[result.path] = result
            self._count += 1
        if self._count > PATHS_KEPT:
            self._runs = OrderedDict({run: known} if len(known.results) <= PATHS_KEPT else {})
            self._count = len(known.results) if self._runs else 0

    def forget(self, run: RunId) -> None:
        """Drop what memory has of a run."""
        known = self._runs.pop(run, None)
        if known is not None:
            self._count -= len(known.results)

    def get(self, run: RunId, path: str) -> StepResult | None:
        """Return the newest result of a path, None if there is none. Raises `NotLoaded`."""
        known = self._of(run)
        if path in known.results:
            return known.results[path]
        if known.complete or any(path.startswith(above) for above in known.below):
            return None
        raise NotLoaded(run, path)

    def has_below(self, run: RunId, path: str) -> bool:
        """Tell whether all iterations of a path are in memory."""
        known = self._of(run)
        return known.complete or f"{path}[" in known.below

    async def load(self, missing: NotLoaded) -> None:
        """Read what was missing."""
        known = self._of(missing.run)
        start = f"{missing.path}[" if missing.below else f"{missing.path}@"
        rows = await self._store.results(missing.run, PREFIX + start)
        if missing.below:
            known.below.add(start)
        else:
            known.results.setdefault(missing.path, None)
        for row in rows:
            result = _decoder.decode(row.value)
            held = known.results.get(result.path)
            if held is None or result.visit >= held.visit:
                known.results[result.path] = result

    def _of(self, run: RunId) -> Known:
        known = self._runs.get(run)
        if known is None:
            known = self._runs[run] = Known()
            if len(self._runs) > RUNS_KEPT:
                _, dropped = self._runs.popitem(last=False)
                self._count -= len(dropped.results)
        else:
            self._runs.move_to_end(run)
        return known


def row(run: RunId, result: StepResult) -> ResultRecord:
    """Return a result as the store keeps it; rows of one path sort by visit and attempt."""
    key = f"{PREFIX}{result.path}@{result.visit:010x}.{result.attempts:04x}"
    return ResultRecord(run, key, _encoder.encode(result))


async def results_of(store: Store, run: RunId) -> list[StepResult]:
    """Return everything the steps of a run came to, in the order in which they ended."""
    found = [_decoder.decode(record.value) for record in await store.results(run, PREFIX)]
    return sorted(found, key=lambda result: (result.ended, result.visit))
