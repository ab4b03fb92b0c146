"""Results of steps: every row belongs to one effect of the journal, and every effect has its row."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from turnflow.core.events import RunForked
from turnflow.core.frames import StepResult
from turnflow.core.ids import RunId
from turnflow.engine.outcomes import PREFIX, row
from turnflow.testing.judge import Judge
from turnflow.testing.retelling import Retold

ONCE: Final = "each result of a step is kept once"


def judge_results(judge: Judge) -> None:
    """Hold the rows of steps against what the journals asked to be kept."""
    rows: dict[RunId, dict[str, bytes]] = {}
    for (run, key), value in judge.evidence.results.items():
        if key.startswith(PREFIX):
            rows.setdefault(run, {})[key] = value
    for run, told in judge.told.items():
        if run not in judge.witness.damaged:
            _run(judge, run, told, rows.get(run, {}))


def _run(judge: Judge, run: RunId, told: Retold, rows: dict[str, bytes]) -> None:
    place = f"run {run}"
    kept = {record.key: record.value for record in (row(run, result) for result in told.kept)}
    if len(kept) < len(told.kept):
        judge.complain(ONCE, place, "the journal asks for the same row twice")
    for key, value in kept.items():
        if rows.get(key) != value:
            judge.complain(ONCE, place, f"{key} has {'another' if key in rows else 'no'} row")
    entries = judge.evidence.runs[run].entries or ()
    copied = bool(entries) and isinstance(entries[0].events[0], RunForked)
    for key, value in rows.items():
        if key not in kept and not copied and not msgspec.json.decode(value, type=StepResult).late:
            judge.complain(ONCE, place, f"nothing in the journal asks for row {key}")
    done = Counter((result.path, result.visit) for result in told.kept if result.status == "completed")
    for (path, visit), times in done.items():
        if times > 1:
            judge.complain("join at most once per visit", place, f"{path}, visit {visit}, was completed {times} times")
    judge.report.steps += len(told.kept)
