"""What a run has done, laid over the picture of its flow: statuses, attempts, iterations, and how often each way was taken."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from turnflow.core.ids import StepName
from turnflow.diagram.picture import Arrow, Mark, Picture, Place

Reached: TypeAlias = Literal["completed", "failed", "running", "waiting", "cancelled"]

_GRAVEST_FIRST: Final[tuple[Reached, ...]] = ("failed", "running", "waiting", "cancelled", "completed")
_ITERATION: Final = re.compile(r"(.*)\[\d+\]", re.DOTALL)


class StepMark(Struct, frozen=True):
    """Where a run stands, or came to, with one execution of a step."""

    path: str
    """Enclosing iterations and the step's name, `orders[3]/charge`; of an iteration of a group itself: `orders[3]`."""
    status: Reached
    attempts: int = 1
    total: int = 0
    """Of a group: how many iterations or branches there are to be; 0: that is not known."""
    done: int = 0
    """Of a group: how many of them have ended; it counts where the iterations themselves are not all named."""


class Passage(Struct, frozen=True):
    """A way that a run took."""

    source: str
    """Name of the step or group."""
    target: str
    times: int = 1
    output: str = ""
    """Name of the output, where several lead to the same target; empty: any."""


class Overlay(Struct, frozen=True):
    """A run, as it is shown in the picture of its flow."""

    steps: tuple[StepMark, ...] = ()
    """Oldest first: of several with the same path the last one tells the status. Steps that are not named were not reached."""
    passages: tuple[Passage, ...] = ()
    """Empty: nothing is known about ways."""


def overlaid(picture: Picture, overlay: Overlay) -> Picture:
    """Return a picture with what a run did; a record or passage of something the picture does not show is left out."""
    steps, iterations = _by_name(overlay.steps)
    marks = {name: _mark(steps.get(name, ()), iterations.get(name, ())) for name in {**steps, **iterations}}
    none = Mark("not_reached")
    passed = Counter[tuple[str, str, str]]()
    for passage in overlay.passages:
        passed[passage.source, passage.target, passage.output] += passage.times
    return picture._replace(
        boxes=tuple(box._replace(mark=marks.get(box.name, none)) for box in picture.boxes),
        areas=tuple(area._replace(mark=marks.get(area.name, none)) for area in picture.areas),
        arrows=tuple(arrow._replace(times=_times(arrow, passed)) for arrow in picture.arrows),
    )


def _by_name(
    records: Iterable[StepMark],
) -> tuple[Mapping[StepName, tuple[StepMark, ...]], Mapping[StepName, tuple[StepMark, ...]]]:
    """Return the latest record of each path, by the step's name: those of steps and groups, and those of iterations."""
    latest = {record.path: record for record in records}
    steps: dict[StepName, tuple[StepMark, ...]] = {}
    iterations: dict[StepName, tuple[StepMark, ...]] = {}
    for path, record in latest.items():
        last = path.rsplit("/", 1)[-1]
        iteration = _ITERATION.fullmatch(last)
        kind, name = (iterations, iteration[1]) if iteration is not None else (steps, last)
        kind[StepName(name)] = (*kind.get(StepName(name), ()), record)
    return steps, iterations


def _mark(records: tuple[StepMark, ...], iterations: tuple[StepMark, ...]) -> Mark:
    """Sum up. `records` of a step, or of a group with its `iterations`."""
    status = _gravest(records or iterations)
    total = max(sum(record.total for record in records), len(iterations))
    done = sum(record.done for record in records)
    if iterations or total or done:
        return Mark(status, _summary(iterations, total, done))
    if len(records) > 1:
        return Mark(status, _summary(records, len(records)))
    attempts = records[0].attempts
    return Mark(status, f"{status}, {attempts} attempts" if attempts > 1 else status)


def _summary(records: tuple[StepMark, ...], total: int, ended: int = 0) -> str:
    counts = Counter(record.status for record in records)
    completed = max(counts["completed"], ended - counts["failed"] - counts["cancelled"])
    others = [f"{counts[status]} {status}" for status in _GRAVEST_FIRST if counts[status] and status != "completed"]
    attempts = sum(record.attempts - 1 for record in records)
    retries = [f"{attempts} {'retry' if attempts == 1 else 'retries'}"] if attempts else []
    return ", ".join((f"done {completed}/{max(total, completed)}" if total else f"done {completed}", *others, *retries))


def _gravest(records: tuple[StepMark, ...]) -> Reached:
    statuses = {record.status for record in records}
    return next(status for status in _GRAVEST_FIRST if status in statuses)


def _times(arrow: Arrow, passed: Counter[tuple[str, str, str]]) -> int | None:
    """Return how often a run went along an arrow; None for those between markers, of which no passage tells."""
    ends: tuple[Place, Place] = (arrow.source, arrow.target)
    if not passed or any(end.kind not in ("step", "area") for end in ends):
        return None
    source, target = arrow.source.name, arrow.target.name
    return passed[source, target, ""] + (passed[source, target, arrow.output] if arrow.output else 0)
