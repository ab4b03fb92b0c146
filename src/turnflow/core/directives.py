"""What a handler may answer: one directive, a closed union."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Raw, Struct

from turnflow.core.definition import WaitSpec
from turnflow.core.ids import FlowName, MaybeRaw, StepName


class Next(Struct, frozen=True, gc=False, tag="next", omit_defaults=True):
    """Enter `step`; the current step goes onto the history."""

    step: StepName


class Goto(Struct, frozen=True, gc=False, tag="goto", omit_defaults=True):
    """Jump to any step; the history restarts there."""

    step: StepName


class Back(Struct, frozen=True, gc=False, tag="back"):
    """Enter the previous step again; on the first step, ask it again."""


class Repeat(Struct, frozen=True, gc=False, tag="repeat"):
    """Ask the current step again, keeping its scene. From an error handler: run the failed call again."""


class Park(Struct, frozen=True, gc=False, tag="wait", omit_defaults=True):
    """Wait for an input."""

    label: str
    spec: WaitSpec


class Stay(Struct, frozen=True, gc=False, tag="stay"):
    """Change nothing: what hooks answer, and handlers that only reply."""


class Refuse(Struct, frozen=True, gc=False, tag="refuse", omit_defaults=True):
    """The input is no valid answer; the wait stays."""

    reason: str


class Done(Struct, frozen=True, gc=False, tag="done", omit_defaults=True):
    """This branch is complete; outside a group: this step is (opens the group, or takes the only declared way on)."""

    result: MaybeRaw = None


class CallFlow(Struct, frozen=True, gc=False, tag="call", omit_defaults=True):
    """Start a child run, wait for it, go on at `then`."""

    flow: FlowName
    then: StepName
    data: dict[str, Raw] = {}


class Complete(Struct, frozen=True, gc=False, tag="complete", omit_defaults=True):
    """End the run with a result."""

    result: MaybeRaw = None


class Cancel(Struct, frozen=True, gc=False, tag="cancel", omit_defaults=True):
    """End the run without one."""

    reason: str = ""


class Fail(Struct, frozen=True, gc=False, tag="fail", omit_defaults=True):
    """The step fails with an author's own error code; the failure rules decide what follows."""

    code: str
    message: str = ""


class Escalate(Struct, frozen=True, gc=False, tag="escalate", omit_defaults=True):
    """Park the run for an operator; after the answer go on at `then`, or ask the current step again."""

    reason: str
    then: StepName | None = None


Directive: TypeAlias = (
    Next | Goto | Back | Repeat | Park | Stay | Refuse | Done | CallFlow | Complete | Cancel | Fail | Escalate
)
