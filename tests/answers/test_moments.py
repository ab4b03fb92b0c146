"""Days, times, and both together."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated

import pytest
from msgspec import Meta

from tests.answers.asking import answer, refusal
from turnflow.answers import accepts_for
from turnflow.answers import date as date_kind
from turnflow.answers import time as time_kind

DAYS = [
    "2024-12-31", "20241231", "2024-W01-2", "2024/12/31", "2024.12.31", "31.12.2024", "31/12/2024", "12/31/2024",
    "31 December 2024", "31 dec 2024", "31. Dec. 2024", "December 31, 2024", "Dec 31st 2024", " 2024-12-31 ",
]  # fmt: skip


@pytest.mark.parametrize("sent", DAYS)
def test_a_day_is_read_in_every_clear_form(sent: str) -> None:
    expected = date(2024, 1, 2) if "W" in sent else date(2024, 12, 31)
    assert answer(date, sent) == expected
    assert answer(None, sent, date_kind()) == expected
    assert answer(str, sent, date_kind()) == expected.isoformat()


@pytest.mark.parametrize("sent", ["03/04/2024", "1/2/2024"])
def test_a_day_that_countries_read_differently_is_never_guessed(sent: str) -> None:
    assert "so that day and month are clear" in refusal(date, sent)
    assert "so that day and month are clear" in refusal(datetime, f"{sent} 14:00")


def test_slashes_with_one_reading_are_clear() -> None:
    assert answer(date, "03/03/2024") == date(2024, 3, 3)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "tomorrow",
        "30 Feb 2024",
        "31.02.2024",
        "31.12.24",
        "2024-13-01",
        "0000-01-01",
        "May 5 ٢٠٢٤",
        "²/1/2024",
        "x" * 99,
    ],
)
def test_what_is_no_day_is_asked_for_again(sent: str) -> None:
    assert refusal(date, sent) == "Please send a date as year-month-day, such as 2024-12-31."


@pytest.mark.parametrize("sent", ["14:30", "1430", "14.30", "2:30 pm", "2:30PM", "2.30 p.m.", "14:30:00", "T14:30"])
def test_a_time_is_read_in_every_clear_form(sent: str) -> None:
    assert answer(time, sent) == time(14, 30)
    assert answer(None, sent, time_kind()) == time(14, 30)


def test_noon_and_midnight_are_not_mixed_up() -> None:
    assert answer(time, "12 am") == time(0)
    assert answer(time, "12 pm") == time(12)


@pytest.mark.parametrize("sent", ["", "soon", "25:00", "14:60", "13 pm", "2 xm", "٣:٠٠", "1" * 99])
def test_what_is_no_time_is_asked_for_again(sent: str) -> None:
    assert refusal(time, sent) == "Please send a time, such as 14:30."


@pytest.mark.parametrize(
    "sent",
    ["2024-12-31 14:30", "2024-12-31T14:30", "31.12.2024, 14:30", "31 Dec 2024 at 2:30 pm", "Dec 31, 2024 2:30pm"],
)
def test_day_and_time_are_read_together(sent: str) -> None:
    assert answer(datetime, sent) == datetime(2024, 12, 31, 14, 30)  # noqa: DTZ001 - no zone was sent


@pytest.mark.parametrize("sent", ["2024-12-31", "14:30", "", "T", "at", "2024-12-31 at", "2024-12-31Tx"])
def test_a_moment_needs_both(sent: str) -> None:
    assert refusal(datetime, sent) == "Please send a date and a time, such as 2024-12-31 14:30."


def test_an_offset_is_kept_if_one_was_sent() -> None:
    assert answer(datetime, "2024-12-31T14:30Z") == datetime(2024, 12, 31, 14, 30, tzinfo=UTC)
    aware = Annotated[datetime, Meta(tz=True)]
    assert answer(aware, "2024-12-31T14:30Z") == datetime(2024, 12, 31, 14, 30, tzinfo=UTC)
    assert refusal(aware, "2024-12-31T14:30") == "That does not fit: Expected datetime with a timezone component."


def test_a_moment_without_annotation_has_its_own_type() -> None:
    accepts = accepts_for(datetime)
    assert accepts is not None
    assert answer(None, "2024-12-31 2 pm", accepts) == datetime(2024, 12, 31, 14)  # noqa: DTZ001 - no zone was sent
