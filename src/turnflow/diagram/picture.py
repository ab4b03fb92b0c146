"""What a picture of a flow shows, whatever draws it: boxes, areas around them, and arrows.

A declared way on is an arrow; an undeclared one is a dashed arrow. Where a handler says nothing about its ways on, the
dashed arrow leads to the step listed next: steps are listed in the order people meet them, and the drawing says that this is
all it knows. What completes a branch is known from its group, so no branch needs such an arrow.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from turnflow.core.ids import StepName

PlaceKind: TypeAlias = Literal["start", "step", "gate", "area", "end", "cancelled", "failed", "open", "missing"]
ArrowKind: TypeAlias = Literal["way", "branch", "error", "time", "attempts"]


class Place(NamedTuple):
    """A step, the gate of a group (where its branches come together), the area around its branches, or a marker.

    `open` is what only the code of a step knows; `missing` a target that is no step of the flow.
    """

    kind: PlaceKind
    name: StepName = StepName("")


class Box(NamedTuple):
    """One step."""

    name: StepName
    text: str
    """The step's title, or its name."""
    question: str = ""
    """What it asks, if that is known without running code."""
    asks: bool = False
    routing: bool = False
    opens: bool = False
    """It is the start of a parallel group."""


class Area(NamedTuple):
    """A parallel group around the steps of its branches."""

    name: StepName
    steps: tuple[StepName, ...]
    gate: str
    """What must be so for the run to go on at the join."""


class Arrow(NamedTuple):
    """One way from place to place."""

    source: Place
    target: Place
    label: str = ""
    kind: ArrowKind = "way"
    dashed: bool = False


class Picture(NamedTuple):
    """Everything to draw, in the order of the definition."""

    title: str
    boxes: tuple[Box, ...]
    areas: tuple[Area, ...]
    arrows: tuple[Arrow, ...]
    assumes_order: bool
    """Some dashed arrows stand for nothing but the order in which the steps are listed."""
