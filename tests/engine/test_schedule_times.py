"""Cron expressions: what is wrong with them is told with the remedy, and their newest moments are found without counting all."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
import pytest

from turnflow import Directive, Flow, Registry, Turn, schedule
from turnflow.core.definition import Trigger
from turnflow.cron import due_between, expression_problem
from turnflow.errors import AuthorError, InvalidFlow, InvalidValue

BERLIN = "Europe/Berlin"
NIGHTLY = "0 2 * * *"
MAY = int(datetime.fromisoformat("2026-05-05T05:05Z").timestamp() * 1000)


class Step(StrEnum):
    ONLY = "only"


class Report(msgspec.Struct):
    region: str = "all"


def known(*on: Trigger) -> Registry:
    flow = Flow("nightly", steps=Step, data=Report)

    @flow.step(Step.ONLY)
    async def only(turn: Turn[Step, Report]) -> Directive:
        return turn.complete(turn.data.region)

    registry = Registry()
    registry.register(flow, on=on)
    return registry


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("0 2 * *", "has 4 fields; write five fields"),
        ("0 0 2 * * *", "has 6 fields"),
        ("0 24 * * *", "bad hour"),
        ("0 2 30 2 *", "bad day-of-month"),
        ("nightly at two o clock", "bad minute"),
        ("", "has 0 fields"),
        ("*/0 * * * *", "bad minute"),
        ("0 2 * * " + "1," * 200, "at most 200 characters"),
    ],
)
def test_a_wrong_expression_is_told_with_what_to_write(expression: str, told: str) -> None:
    with pytest.raises(AuthorError, match="schedule") as raised:
        schedule(expression)
    assert told in str(raised.value)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../UTC", "Europe"])
def test_an_unknown_zone_is_told(zone: str) -> None:
    with pytest.raises(AuthorError, match="there is no time zone"):
        schedule(NIGHTLY, zone=zone)


def test_a_registry_tells_all_that_is_wrong_at_once() -> None:
    unchecked: Any = {"catch_up": "both", "overlap": "never"}
    wrong = Trigger("schedule", "0 25 * * *", zone="Nowhere", **unchecked)
    with pytest.raises(InvalidFlow) as raised:
        known(wrong, Trigger("command", "now", zone=BERLIN))
    codes = [problem.code for problem in raised.value.problems]
    assert sorted(codes) == ["bad_schedule", "bad_trigger", "bad_trigger", "bad_trigger", "unknown_zone"]


def test_a_schedule_that_could_not_start_its_flow_is_refused() -> None:
    with pytest.raises(InvalidValue):
        known(schedule(NIGHTLY, input={"region": ["no", "text"]}))


@pytest.mark.parametrize(
    ("expression", "days"), [("* * * * *", 10), ("0 0 29 2 *", 4000), ("0 0 1 1 *", 100), ("*/7 3-5 * * MON", 90)]
)
def test_the_newest_moments_of_a_time_are_those_that_counting_on_finds(expression: str, days: int) -> None:
    assert not expression_problem(expression)
    first = MAY - days * 86_400_000
    counted = due_between(expression, BERLIN, first, MAY, 10_000_000)
    assert due_between(expression, BERLIN, first, MAY, 7) == counted[-7:]


def test_triggers_stand_in_sets() -> None:
    assert len({schedule(NIGHTLY, input={"a": []}), schedule(NIGHTLY, input={"a": []}), schedule(NIGHTLY)}) == 2
