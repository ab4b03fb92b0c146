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
        self._held: dict[object, set[RunId]] = {}
        """Runs whose expressions are being evaluated, by whoever does that: what is loaded stays until it is done."""
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
        """Note a run whose beginning has just been committed: there is nothing to load for it."""
        self._of(run).complete = True

    def add(self, run: RunId, results: Iterable[StepResult]) -> None:
        """Note results that have been committed."""
        self._keep(self._of(run), results)
        self._shrink(run)

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

    async def load(self, missing: NotLoaded, holder: object) -> None:
        """Read what was missing. It stays in memory until the holder lets go of it, which must follow in any case."""
        self._held.setdefault(holder, set()).add(missing.run)
        start = f"{missing.path}[" if missing.below else f"{missing.path}@"
        rows = await self._store.results(missing.run, PREFIX + start)
        known = self._of(missing.run)
        if missing.below:
            known.below.add(start)
        elif missing.path not in known.results:
            known.results[missing.path] = None
            self._count += 1
        self._keep(known, (_decoder.decode(row.value) for row in rows))
        self._shrink(missing.run)

    def let_go(self, holder: object) -> None:
        """Let what was loaded for a holder be dropped again."""
        self._held.pop(holder, None)

    def _is_held(self, run: RunId) -> bool:
        return any(run in runs for runs in self._held.values())

    def _keep(self, known: Known, results: Iterable[StepResult]) -> None:
        for result in results:
            if result.late:
                continue
            held = known.results.get(result.path)
            if held is None or (result.visit, result.attempts) >= (held.visit, held.attempts):
                self._count += result.path not in known.results
                known.results[result.path] = result

    def _shrink(self, current: RunId) -> None:
        """Drop the runs that were looked at least recently, if memory has too much."""
        for run in list(self._runs) if self._count > PATHS_KEPT else ():
            if self._count <= PATHS_KEPT:
                break
            if run != current and not self._is_held(run):
                self.forget(run)
        if self._count > PATHS_KEPT and not self._is_held(current):
            self.forget(current)

    def _of(self, run: RunId) -> Known:
        known = self._runs.get(run)
        if known is not None:
            self._runs.move_to_end(run)
            return known
        known = self._runs[run] = Known()
        if len(self._runs) > RUNS_KEPT:
            oldest = next((other for other in self._runs if other != run and not self._is_held(other)), None)
            if oldest is not None:
                self.forget(oldest)
        return known


def row(run: RunId, result: StepResult) -> ResultRecord:
    """Return a result as the store keeps it; rows of one path sort by visit and attempt, late ones stand beside."""
    key = f"{PREFIX}{result.path}@{result.visit:010x}.{result.attempts:04x}{'.late' if result.late else ''}"
    return ResultRecord(run, key, _encoder.encode(result))


async def results_of(store: Store, run: RunId) -> list[StepResult]:
    """Return everything the steps of a run came to, in the order in which they ended."""
    found = [_decoder.decode(record.value) for record in await store.results(run, PREFIX)]
    return sorted(found, key=lambda result: (result.ended, result.visit))
