"""Groups: steps one after another, side by side, or in a loop."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast, get_args

from turnflow.core.ids import StepName
from turnflow.core.nodes import Group, Join, Loop, OnItemError, Parallel, Rest, Sequence
from turnflow.declarative.edges import outputs_of
from turnflow.declarative.records import Field, Values
from turnflow.declarative.settings import settings_of
from turnflow.declarative.shapes import Condition, OneOf, Place, Templated, Text, Texts, Whole

GroupKind: TypeAlias = Literal["sequential", "parallel", "loop"]
GROUP_KINDS: tuple[GroupKind, ...] = get_args(GroupKind)
JOINS: tuple[str, ...] = get_args(Join)
RESTS: tuple[str, ...] = get_args(Rest)
ON_ITEM_ERROR: tuple[str, ...] = get_args(OnItemError)

_STEPS = Field("steps", Texts(single=False), "The steps and groups inside, in order.", required=True)

GROUPS: dict[GroupKind, tuple[Field, ...]] = {
    "sequential": (_STEPS,),
    "parallel": (
        _STEPS,
        Field("limit", Whole(1), "How many branches are under way at once; default 16."),
        Field("join", OneOf(JOINS), "When the group is done: all (default), any, n (see `need`) or settled branches."),
        Field("need", Whole(1), "Of `join: n`: how many branches must succeed."),
        Field("rest", OneOf(RESTS), "What becomes of branches the join does not wait for: cancel (default) or leave."),
    ),
    "loop": (
        _STEPS,
        Field(
            "over", Templated("list"), "The list of items, usually one `${...}`; they are `item` and `index` inside."
        ),
        Field("while", Condition(), "CEL condition tested before each round."),
        Field("until", Condition(), "CEL condition tested after each round."),
        Field("as", Text(), "A further name for `item`."),
        Field("limit", Whole(1), "How many items are under way at once; default 1."),
        Field("maxIterations", Whole(1), "Most rounds; default 10000."),
        Field(
            "onItemError",
            OneOf(ON_ITEM_ERROR),
            "fail (default): the loop fails with an item; skip: its result is null.",
        ),
    ),
}


def group_of(kind: GroupKind, name: str, values: Values, place: Place) -> Group:
    """Return a group."""
    steps = tuple(StepName(step) for step in values.texts("steps"))
    outputs, settings, title = outputs_of(values, place), settings_of(values), values.text("title")
    if kind == "sequential":
        return Sequence(StepName(name), steps, outputs, settings, title)
    if kind == "parallel":
        return Parallel(
            StepName(name),
            steps,
            limit=values.whole("limit", 16),
            join=cast(Join, values.text("join", "all")),
            need=values.whole("need"),
            rest=cast(Rest, values.text("rest", "cancel")),
            outputs=outputs,
            settings=settings,
            title=title,
        )
    return Loop(
        StepName(name),
        steps,
        over=values.template("over"),
        while_=values.text("while"),
        until=values.text("until"),
        item=values.text("as"),
        limit=values.whole("limit", 1),
        max_iterations=values.whole("maxIterations", 10_000),
        on_item_error=cast(OnItemError, values.text("onItemError", "fail")),
        outputs=outputs,
        settings=settings,
        title=title,
    )
