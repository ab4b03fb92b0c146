"""What the steps of a run came to and what they are at, as people may see it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from turnflow.actions import redact
from turnflow.core.definition import Flow
from turnflow.core.frames import Failure, Frame, StepResult
from turnflow.core.ids import GroupId, Json
from turnflow.core.nodes import EndStep
from turnflow.core.state import TERMINAL, Cursor, RunState
from turnflow.engine.task import StepRecord, StepStatus

ITEMS: Final = "#items"
"""Ends the path of the row that holds the items of a loop."""
LAST: Final = 1 << 62


class Veil:
    """Takes out what a flow's steps do not want shown: fields of the names they list, wherever they stand."""

    def __init__(self, flow: Flow | None) -> None:
        nodes = [] if flow is None else [*flow.nodes.values(), *flow.steps.values()]
        self._names: Collection[str] = {name for node in nodes for name in node.settings.redact}

    def shown(self, value: Json) -> Json:
        """Return a value as people may see it."""
        return redact(value, (), self._names) if self._names else value

    def decoded(self, raw: Raw | None) -> Json:
        """Return an encoded value as people may see it; None for none."""
        return None if raw is None else self.shown(msgspec.json.decode(raw))

    def fields(self, raws: Mapping[str, Raw]) -> Json:
        """Return encoded fields as an object."""
        return self.shown({name: msgspec.json.decode(raw) for name, raw in raws.items()})


def records_of(results: Iterable[StepResult], state: RunState, flow: Flow | None) -> list[StepRecord]:
    """Return what a run did and is at, or was when it failed, in the order in which it began."""
    veil = Veil(flow)
    found: dict[tuple[str, int], StepRecord] = {}
    for result in results:
        if not result.path.endswith(ITEMS):
            known = found.pop((result.path, result.visit), None)
            if known is None or known.late or not result.late:
                found[result.path, result.visit] = record_of(result, veil)
            else:
                found[result.path, result.visit] = known
    ended = state.status in TERMINAL
    for record in live_records(state, flow):
        place = (record.path, record.visit)
        if not ended:
            found.pop(place, None)
        found.setdefault(place, record)
    begun = sorted(found.values(), key=lambda record: record.visit or LAST)
    return [*_gone_through(state, flow), *begun]


def record_of(result: StepResult, veil: Veil) -> StepRecord:
    """Return what one visit of a step came to."""
    return StepRecord(
        result.path,
        name_of(result.path),
        result.status,
        result.visit,
        result.attempts,
        result.started or result.ended,
        result.ended,
        veil.decoded(result.input),
        veil.decoded(result.output),
        result.ref,
        result.gathered if result.gathered >= 0 else None,
        error=result.error,
        late=result.late,
    )


def live_records(state: RunState, flow: Flow | None) -> list[StepRecord]:
    """Return the steps that a run is at; of one that has ended, those that its end cut off."""
    if state.status in TERMINAL:
        return list(_cut_off(state, flow))
    frames = {frame.id: frame for frame in state.frames}
    veil = Veil(flow)
    return [_live(cursor, frames, veil) for cursor in state.cursors if cursor.step]


def name_of(path: str) -> str:
    """Return the name of the step (or loop) at the end of a path."""
    last = path.rpartition("/")[2]
    return last.partition("[")[0]


def _live(cursor: Cursor, frames: Mapping[GroupId, Frame], veil: Veil) -> StepRecord:
    path = cursor.prefix + cursor.step
    job, call, wait = cursor.job, cursor.call, cursor.wait
    if job is not None:
        status: StepStatus = "running" if job.kind == "action" and not job.delayed else "waiting"
        shown = veil.decoded(job.input) if job.kind == "action" else None
        return StepRecord(path, cursor.step, status, job.visit, job.attempt, job.since, input=shown)
    if call is not None:
        since = call.since or None
        return StepRecord(path, cursor.step, "waiting", call.visit, call.attempt, since, child=call.child)
    frame = frames.get(cursor.opened) if cursor.opened is not None else None
    if frame is not None:
        total = frame.total if frame.total >= 0 else None
        return StepRecord(
            path, cursor.step, "running", frame.visit, frame.attempt, frame.since, done=frame.done + frame.failed,
            total=total,
        )  # fmt: skip
    if cursor.owed:
        owed = cursor.owed[0]
        return StepRecord(path, cursor.step, "running", owed.visit, owed.attempt, owed.since or None)
    return StepRecord(path, cursor.step, "waiting", started=wait.opened if wait is not None else None)


def _gone_through(state: RunState, flow: Flow | None) -> Iterator[StepRecord]:
    """Yield the steps of a conversation that lie behind: nothing is known of when they were done."""
    if flow is not None and not flow.is_graph:
        for cursor in state.cursors:
            last = (cursor.step,) if state.status == "completed" else ()
            for name in (*cursor.history, *last):
                yield StepRecord(name, name, "completed")


def _cut_off(state: RunState, flow: Flow | None) -> Iterator[StepRecord]:
    """Yield the steps that were under way when a run failed or was cancelled."""
    if state.status == "completed" or flow is None:
        return
    error = state.ending.error if state.ending is not None else None
    cursors = state.fell.cursors if state.fell is not None else state.cursors
    frames = {frame.id: frame for frame in state.fell.frames} if state.fell is not None else {}
    veil = Veil(flow)
    for cursor in cursors:
        if cursor.step and not isinstance(flow.nodes.get(cursor.step), EndStep):
            record = replace(_live(cursor, frames, veil), status="cancelled", ended=state.updated)
            yield replace(record, status="failed", error=error) if _is_to_blame(record, error) else record


def _is_to_blame(record: StepRecord, error: Failure | None) -> bool:
    return error is not None and error.step == record.step
