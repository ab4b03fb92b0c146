"""User code that has to run for a cursor."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from turnflow.core.frames import Failure
from turnflow.core.ids import At, StepName
from turnflow.core.inputs import Input

Phase: TypeAlias = Literal["enter", "input", "ask", "retry", "otherwise", "menu", "hook", "error", "timeout"]


class Owed(Struct, frozen=True, gc=False, omit_defaults=True):
    """One piece of user code that has to run for a cursor, in queue order."""

    phase: Phase
    step: StepName
    visit: int
    """Serial number: with the run's id the identity of this call, the same for every attempt and after a crash."""
    attempt: int = 1
    since: At = 0
    """When the first attempt was due."""
    input: Input | None = None
    """What it is about; of a run's first step and its enter hooks: what started the run."""
    error: Failure | None = None
    hook: str = ""
    """Of a hook: flow_enter, flow_exit, step_enter or step_leave."""
    label: str = ""
    """Of a timeout: the label of the wait."""
    outcome: str = ""
    """Of an exit: how the run ends."""
    reason: str = ""
    """Of a refusal: why the answer did not parse."""
    failed: tuple[Owed, ...] = ()
    """Of an error: the call that failed, to be repeated by `repeat()`."""
    delayed: bool = False
    """Not due before its retry timer fires."""
