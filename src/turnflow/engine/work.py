"""A run on the workbench: its state while one turn changes it, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from turnflow.core.definition import Flow
from turnflow.core.evaluation import Evaluation
from turnflow.core.events import Event
from turnflow.core.frames import StepResult
from turnflow.core.state import RunState


@dataclass(slots=True)
class Work:
    """A run while a turn changes it."""

    state: RunState
    flow: Flow
    events: list[Event] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    fresh: dict[str, StepResult] = field(default_factory=dict)
    """What steps came to within this turn, by path; not committed yet."""
    ignored: str = ""
    """Why the last event did not count."""
    ended_by_us: bool = False
    """It has reached a limit and was told to end."""
