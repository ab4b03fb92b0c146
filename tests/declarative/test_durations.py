"""Durations are written with units, as seconds, or as ISO 8601."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnflow.core.ids import Json
from turnflow.declarative.durations import LONGEST, PATTERN, duration, words


@pytest.mark.parametrize(
    ("written", "millis"),
    [
        ("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("24h", 86_400_000), ("7d", 604_800_000), ("1h30m", 5_400_000),
        ("1.5s", 1500), ("0s", 0), (10, 10_000), (0.25, 250), (0, 0),
        ("PT10S", 10_000), ("P1DT2H", 93_600_000), ("P2W", 1_209_600_000), ("PT0.5S", 500), ("PT5M", 300_000),
    ],
)  # fmt: skip
def test_a_duration_is_read_as_milliseconds(written: Json, millis: int) -> None:
    assert duration(written) == millis
    assert not isinstance(written, str) or re.search(PATTERN, written)


@pytest.mark.parametrize(
    "written",
    [
        "", "10", "s", "10 s", "-1s", "10x", "1,5s", "0.1ms", "P", "PT", "P1DT", "P1Y", "P1M", "٣s", "1e3s", "101y",
        "40000d", "9" * 99 + "d", -1, 0.0001, 1e300, True, None, [1], {"s": 1},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_duration_is_none(written: Json) -> None:
    assert duration(written) is None


@given(st.integers(0, LONGEST))
def test_a_duration_in_words_is_read_back(millis: int) -> None:
    assert duration(words(millis)) == millis
    assert re.search(PATTERN, words(millis))
