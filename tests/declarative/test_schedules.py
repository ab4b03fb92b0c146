"""Schedules of documents: what they say, and what is wrong with them, at the place where it stands."""

from __future__ import annotations

import pytest

from turnflow.core.definition import Trigger
from turnflow.declarative import dump_flow, load_flow
from turnflow.errors import InvalidFlow

FLOW = "flow: f\nstart: done\nsteps: {done: {kind: end}}\ntriggers:\n  - "


def test_a_schedule_says_when_and_where_what_to_make_up_for_and_what_to_start_with() -> None:
    written = (
        "{schedule: '0 2 * * MON-FRI', zone: Europe/Berlin, catchUp: none, overlap: queue, input: {a: ['${x}', null]}}"
    )
    (found,) = load_flow(FLOW + written).triggers
    assert found == Trigger(
        "schedule",
        "0 2 * * MON-FRI",
        zone="Europe/Berlin",
        catch_up="none",
        overlap="queue",
        input={"a": ["${x}", None]},
    )


def test_what_a_schedule_does_not_say_is_left_out_when_it_is_written() -> None:
    graph = load_flow(FLOW + "{schedule: '*/5 * * * *', zone: UTC, catchUp: last, overlap: skip, input: {}}")
    assert graph.triggers == (Trigger("schedule", "*/5 * * * *"),)
    assert dump_flow(graph)["triggers"] == [{"schedule": "*/5 * * * *"}]


@pytest.mark.parametrize(
    ("written", "code", "column", "told"),
    [
        ("{schedule: '0 25 * * *'}", "bad_schedule", 16, "bad hour"),
        ("{schedule: 0 2 * *}", "bad_schedule", 16, "has 4 fields; write five fields"),
        ("{schedule: 5}", "wrong_type", 16, "must be a cron expression in quotes"),
        ("{schedule: '0 2 * * *', zone: Europe/Bärlin}", "unknown_zone", 35, "there is no time zone 'Europe/Bärlin'"),
        ("{schedule: '0 2 * * *', catchUp: lst}", "unknown_word", 38, "last"),
        ("{schedule: '0 2 * * *', overlap: 3}", "wrong_type", 38, "skip, queue, allow"),
        ("{schedule: '0 2 * * *', input: [1]}", "wrong_type", 36, "must be an object"),
        ("{schedule: '0 2 * * *', timezone: UTC}", "unknown_field", 29, "zone"),
        ("{zone: UTC}", "unknown_trigger", 6, "schedule"),
    ],
)
def test_what_is_wrong_with_a_schedule_is_told_where_it_stands(written: str, code: str, column: int, told: str) -> None:
    with pytest.raises(InvalidFlow) as raised:
        load_flow(FLOW + written)
    (problem,) = raised.value.problems
    assert (problem.code, problem.line, problem.column) == (code, 5, column)
    assert told in problem.message
