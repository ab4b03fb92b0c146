"""What a picture of a flow shows, whatever draws it: boxes, areas around them, and arrows.

A declared way on is an arrow; an undeclared one is a dashed arrow. Where a handler says nothing about its ways on, the
dashed arrow leads to the step listed next: steps are listed in the order people meet them, and the drawing says that this is
all it knows. What completes a branch is known from its group, so no branch needs such an arrow.

In a flow graph every way on is declared, so dashes mean errors there, and groups are areas that may lie inside each other.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from turnflow.core.ids import StepName

PlaceKind: TypeAlias = Literal[
    "start", "step", "gate", "area", "entry", "end", "cancelled", "failed", "open", "missing"
]
ArrowKind: TypeAlias = Literal["way", "branch", "fork", "error", "time", "attempts"]
BoxKind: TypeAlias = Literal["code", "ask", "say", "decision", "action", "event", "timer", "flow", "end", "failure"]
Status: TypeAlias = Literal["completed", "failed", "running", "waiting", "cancelled", "not_reached"]


class Place(NamedTuple):
    """A step, the gate of a group (where its branches come together), the area around its branches, or a marker.

    `entry` is where paths begin inside a group of a flow graph; `open` is what only the code of a step knows; `missing` a
    target that is no step of the flow.
    """

    kind: PlaceKind
    name: StepName = StepName("")


class Mark(NamedTuple):
    """What a run has done with a step or a group so far."""

    status: Status
    text: str = ""
    """More about it, as in `3 attempts` or `7/10 done, 1 failed`."""


class Box(NamedTuple):
    """One step."""

    name: StepName
    text: str
    """The step's title, or its name."""
    kind: BoxKind = "code"
    detail: str = ""
    """What it asks, says, calls or waits for, if that is known without running code."""
    opens: bool = False
    """It is the start of a parallel group."""
    mark: Mark | None = None
    """None: no run is shown."""


class Area(NamedTuple):
    """A group around the steps that belong to it."""

    name: StepName
    steps: tuple[StepName, ...]
    """The steps inside it, those of groups inside it left out."""
    gate: str = ""
    """Of a handler flow: what must be so for the run to go on at the join."""
    caption: str = ""
    """Of a flow graph: its name, its kind and how it runs."""
    inside: StepName | None = None
    """The area it lies in."""
    mark: Mark | None = None
    """None: no run is shown."""


class Arrow(NamedTuple):
    """One way from place to place."""

    source: Place
    target: Place
    label: str = ""
    kind: ArrowKind = "way"
    dashed: bool = False
    output: str = ""
    """Name of the output it stands for."""
    times: int | None = None
    """How often a run has gone this way; None: no run is shown, or it is not known."""


class Picture(NamedTuple):
    """Everything to draw, in the order of the definition."""

    title: str
    boxes: tuple[Box, ...]
    areas: tuple[Area, ...]
    arrows: tuple[Arrow, ...]
    assumes_order: bool = False
    """Some dashed arrows stand for nothing but the order in which the steps are listed."""


NOTE = "Dashed: chosen by the step's code, drawn to the step listed next"
"""What a picture that `assumes_order` says about itself."""
