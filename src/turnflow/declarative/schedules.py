"""Schedules as documents write them: `{schedule: "0 2 * * *", zone: Europe/Berlin, catchUp: all, overlap: queue, input: {}}`."""

from __future__ import annotations

from typing import Final, cast, get_args

from turnflow.core.definition import CatchUp, Overlap, Trigger
from turnflow.core.ids import Json
from turnflow.cron import LONGEST, expression_problem, zone_problem
from turnflow.declarative.records import Field, Record, Values
from turnflow.declarative.shapes import JsonSchema, OneOf, Place, Text, kind_of


class Cron:
    """A cron expression."""

    def read(self, place: Place) -> str | None:
        """Return the expression."""
        text = Text("a cron expression in quotes").read(place)
        problem = "" if text is None else expression_problem(text)
        if problem:
            place.wrong(problem, "bad_schedule")
        return None if problem else text

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return {"type": "string", "minLength": 9, "maxLength": LONGEST}


class Zone:
    """The name of a time zone."""

    def read(self, place: Place) -> str | None:
        """Return the name."""
        text = Text("the name of a time zone").read(place)
        problem = "" if text is None else zone_problem(text)
        if problem:
            place.wrong(problem, "unknown_zone")
        return None if problem else text

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return Text().schema()


class Given:
    """A JSON object that is taken as it stands."""

    def read(self, place: Place) -> dict[str, Json] | None:
        """Return the object."""
        plain = place.node.plain()
        if isinstance(plain, dict):
            return plain
        place.wrong(f"must be an object (what runs are started with) but is {kind_of(place.node)}")
        return None

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return {"type": "object"}


def written_schedule(trigger: Trigger) -> dict[str, Json]:
    """Return a schedule as a document writes it, without what is the default."""
    plain = Trigger("schedule")
    written: dict[str, Json] = {"schedule": trigger.value}
    if trigger.zone != plain.zone:
        written["zone"] = trigger.zone
    if trigger.catch_up != plain.catch_up:
        written["catchUp"] = trigger.catch_up
    if trigger.overlap != plain.overlap:
        written["overlap"] = trigger.overlap
    return {**written, "input": trigger.input} if trigger.input else written


def _made(values: Values, place: Place) -> Trigger | None:
    if "schedule" not in values:
        return None
    return Trigger(
        "schedule",
        values.text("schedule"),
        zone=values.text("zone", "UTC"),
        catch_up=cast(CatchUp, values.text("catchUp", "last")),
        overlap=cast(Overlap, values.text("overlap", "skip")),
        input=values.object("input"),
    )


SCHEDULE: Final = Record(
    "a schedule",
    (
        Field("schedule", Cron(), "Starts at the times of this cron expression of five fields.", required=True),
        Field("zone", Zone(), "IANA time zone whose clocks it goes by; default UTC."),
        Field("catchUp", OneOf(get_args(CatchUp)), "Which missed times are made up for: none, last (default) or all."),
        Field("overlap", OneOf(get_args(Overlap)), "While its last run is live: skip (default), queue or allow."),
        Field("input", Given(), "What its runs are started with."),
    ),
    _made,
)
