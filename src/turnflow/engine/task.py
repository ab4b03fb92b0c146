"""Tasks: what the world may know of a run, or of a long action inside one. Values are plain JSON; secrets are taken out."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from turnflow.core.frames import Failure
from turnflow.core.ids import At, Json
from turnflow.core.state import Status
from turnflow.errors import InvalidValue

TaskKind: TypeAlias = Literal["flow", "action"]
StepStatus: TypeAlias = Literal["running", "waiting", "completed", "failed", "cancelled"]


class Cursor(NamedTuple):
    """A place in the changes of a task: those up to it have been seen. Written as text: `12.3`."""

    revision: int = 0
    place: int = 0
    """Among the changes that one commit brought, from 1."""

    def __str__(self) -> str:
        return f"{self.revision}.{self.place}"


START = Cursor()


def cursor_of(text: str) -> Cursor:
    """Return the cursor that was written as text; an empty one is the start. Raises `InvalidValue`."""
    parts = text.split(".") if text else ["0", "0"]
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise InvalidValue(f"{text!r} is no cursor of a task's changes; hand back one that came with a change, as 12.3")
    return Cursor(int(parts[0]), int(parts[1]))


class StepRecord(Struct, frozen=True, omit_defaults=True):
    """One visit of one step (or one iteration of a loop, whose path ends in its number)."""

    path: str
    """Enclosing iterations and the step's name: `orders[3]/charge`."""
    step: str
    """The step's name."""
    status: StepStatus
    visit: int = 0
    """Which visit, as a number that grows within the task; 0: not known."""
    attempts: int = 1
    started: At | None = None
    """Milliseconds since the epoch; None: not known, or not yet."""
    ended: At | None = None
    input: Json = None
    output: Json = None
    output_of: str = ""
    """The output is that of another path; it is not repeated here."""
    count: int | None = None
    """Of a loop or a parallel group: how many results its output has; they stand under the paths of its lanes."""
    done: int | None = None
    """Of a group under way: how many of its lanes have ended."""
    total: int | None = None
    """Of a group under way: how many lanes there will be; None: as long as a condition says."""
    error: Failure | None = None
    child: str = ""
    """The task that it waits for."""
    late: bool = False
    """It came after its time was over and changed nothing."""


class Task(Struct, frozen=True, omit_defaults=True):
    """The public record of a run (`flow`), or of one execution of a long action (`action`)."""

    id: str
    """A run's id, or `<run>/<step path>/<visit>`."""
    kind: TaskKind
    flow: str
    version: int
    status: Status
    title: str = ""
    digest: str = ""
    """Of the definition; empty: it is not known here."""
    input: Json = None
    """What it was started with. Of a flow written in Python: its data."""
    params: Json = None
    output: Json = None
    error: Failure | None = None
    reason: str = ""
    """Why it is stuck, blocked or cancelled."""
    by: str = ""
    """Who cancelled it."""
    steps: tuple[StepRecord, ...] = ()
    """In the order in which they began, at most the newest thousand. Lists of tasks leave them out."""
    steps_left_out: int = 0
    parent: str = ""
    root: str = ""
    """The topmost task of its tree; its own id if it has no parent."""
    children: tuple[str, ...] = ()
    conversation: str = ""
    started_by: str = ""
    """The schedule that started it; empty: an event, a person or a program did."""
    created: At = 0
    started: At | None = None
    ended: At | None = None
    progress: float | None = None
    """How far it has come, 0..1; None: nobody can tell."""


class TaskNode(Struct, frozen=True, omit_defaults=True):
    """A task in its tree."""

    id: str
    kind: TaskKind
    flow: str
    title: str
    status: Status
    created: At = 0
    ended: At | None = None
    children: tuple[TaskNode, ...] = ()
    """In the order of their creation."""


ChangeKind: TypeAlias = Literal["created", "status", "step", "request", "progress", "part"]


class Change(Struct, frozen=True, omit_defaults=True):
    """Something that happened to a task."""

    kind: ChangeKind
    """created, status: see `status`. step: see `step`. request: somebody wanted what `request` says.

    progress, part: live news of a step under way, which nothing keeps; their cursor is that of the last change before.
    """
    cursor: Cursor
    at: At = 0
    status: Status | None = None
    step: StepRecord | None = None
    request: Literal["", "cancel", "pause", "resume", "retry", "move", "fork", "answer"] = ""
    by: str = ""
    """Who wanted it."""
    to: str = ""
    """Of a move or a retry: the step that was named."""
    name: str = ""
    """Of live news: the step's name."""
    progress: float | None = None
    note: str = ""
    part: Json = None
    """A part of a step's output."""
