"""The changes of a run, told from its journal: each entry is applied again, and what that changes is what happened.

Equal journals give equal changes with equal cursors, so whoever reconnects goes on behind the last one seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from turnflow.core.codec import decode_entry, decode_state
from turnflow.core.definition import Flow
from turnflow.core.effects import KeepResult
from turnflow.core.events import (
    CancelRequested,
    Event,
    Migrated,
    MoveRequested,
    OperatorAnswered,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    RunForked,
    RunStarted,
)
from turnflow.core.ids import RunId
from turnflow.core.machine import Accepted, Decision, Entry, advance, recorded, sealed
from turnflow.core.state import TERMINAL, RunState, Status, blank
from turnflow.engine.definitions import Definitions
from turnflow.engine.rows import stub
from turnflow.engine.step_records import ITEMS, Veil, live_records, record_of
from turnflow.engine.task import START, Change, Cursor, StepRecord
from turnflow.errors import UndecodableRow
from turnflow.ports import RunQuery, Store

PAGE: Final = 500
"""Entries of a journal read at once."""


class Chronicle:
    """Reads the journal of one run entry by entry."""

    def __init__(self, store: Store, definitions: Definitions, run: RunId) -> None:
        self._store = store
        self._definitions = definitions
        self._run = run
        self._state: RunState = blank(run)
        self._seen: dict[tuple[str, int], StepRecord] = {}

    @property
    def revision(self) -> int:
        """How far it has been read."""
        return self._state.revision

    @property
    def status(self) -> Status:
        """The run's status there."""
        return self._state.status

    async def read_on(self) -> list[Change]:
        """Return the changes that the journal has brought since, oldest first; at most those of a page of entries.

        Where the journal cannot be followed (it was shortened, or its definition is gone) only the status is told.
        """
        found: list[Change] = []
        for row in await self._store.journal(self._run, self._state.revision, PAGE):
            try:
                entry = decode_entry(row.entry)
                changes = self._live_through(entry, await self._flows(entry))
            except (Astray, UndecodableRow):
                return found + await self._catch_up()
            found += [replace(change, cursor=Cursor(entry.revision, place)) for place, change in enumerate(changes, 1)]
        return found

    async def _flows(self, entry: Entry) -> list[Flow]:
        """Return the definitions that the events of an entry were applied with."""
        name, version, digest = self._state.flow, self._state.version, self._state.digest
        found: list[Flow] = []
        for event in entry.events:
            match event:
                case RunStarted():
                    name, version, digest = event.flow, event.version, event.digest
                case RunForked():
                    name, version, digest = event.seed.flow, event.seed.version, event.seed.digest
                case Migrated():
                    version = event.version
                case _:
                    pass
            known = await self._definitions.of(name, version, digest)
            found.append(known or (found[-1] if found else stub(self._state)))
        return found

    def _live_through(self, entry: Entry, flows: Sequence[Flow]) -> list[Change]:
        """Apply an entry and return what that changed. Raises `Astray`."""
        state, seen = self._state, self._seen
        if entry.revision != state.revision + 1:
            raise Astray
        evaluate = recorded(entry.evaluations)
        changes: list[Change] = []
        for event, flow in zip(entry.events, flows, strict=True):
            try:
                decision = advance(flow, state, event, evaluate)
            except (StopIteration, LookupError) as error:
                raise Astray from error
            if not isinstance(decision.verdict, Accepted):
                raise Astray
            live = {(record.path, record.visit): record for record in _under_way(decision.state, flow)}
            if state.status == "created":
                changes.append(Change("created", START, event.at, "created"))
            changes += _request(event)
            changes += _steps(decision, flow, seen, live)
            if decision.state.status != state.status:
                changes.append(Change("status", START, event.at, decision.state.status))
            state, seen = decision.state, live
        self._state, self._seen = sealed(state), seen
        return changes

    async def _catch_up(self) -> list[Change]:
        """Go on from what the store has now, and tell only that."""
        rows = await self._store.find(RunQuery(run=self._run))
        if not rows or rows[0].revision <= self._state.revision:
            return []
        self._state = decode_state(rows[0].state)
        flow = await self._definitions.of(self._state.flow, self._state.version, self._state.digest)
        self._seen = {(record.path, record.visit): record for record in _under_way(self._state, flow)}
        return [Change("status", Cursor(rows[0].revision, 1), rows[0].updated, rows[0].status)]


class Astray(Exception):
    """An entry does not fit what came before it."""


def _under_way(state: RunState, flow: Flow | None) -> list[StepRecord]:
    return [] if state.status in TERMINAL else live_records(state, flow)


def _steps(
    decision: Decision,
    flow: Flow,
    seen: Mapping[tuple[str, int], StepRecord],
    live: Mapping[tuple[str, int], StepRecord],
) -> Iterator[Change]:
    """Yield what steps came to, then which ones are new or at something else."""
    veil = Veil(flow)
    at = decision.state.updated
    for effect in decision.effects:
        if isinstance(effect, KeepResult) and not effect.result.path.endswith(ITEMS):
            yield Change("step", START, at, step=record_of(effect.result, veil))
    if not flow.is_graph and decision.state.status not in ("failed", "cancelled"):
        paths = {path for path, _ in live}
        for (path, _), record in seen.items():
            if path not in paths:
                yield Change("step", START, at, step=replace(record, status="completed", ended=at))
    for place, record in live.items():
        if seen.get(place) != record:
            yield Change("step", START, at, step=record)


def _request(event: Event) -> Iterator[Change]:
    """Yield what somebody wanted."""
    match event:
        case CancelRequested(at, by):
            yield Change("request", START, at, request="cancel", by=by)
        case PauseRequested(at, by):
            yield Change("request", START, at, request="pause", by=by)
        case ResumeRequested(at, by):
            yield Change("request", START, at, request="resume", by=by)
        case RetryRequested(at, by, step):
            yield Change("request", START, at, request="retry", by=by, to=step)
        case MoveRequested(at, step, by):
            yield Change("request", START, at, request="move", by=by, to=step)
        case RunForked(at, _, _, step, by):
            yield Change("request", START, at, request="fork", by=by, to=step)
        case OperatorAnswered(at, by):
            yield Change("request", START, at, request="answer", by=by)
        case _:
            pass
