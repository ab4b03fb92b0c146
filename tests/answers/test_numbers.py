"""Numbers: whole, real, decimal, bounded."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import pytest
from annotated_types import Interval
from msgspec import Meta
from pydantic import Field, PositiveInt

from tests.answers.asking import answer, refusal
from turnflow.answers import number


@pytest.mark.parametrize(("sent", "value"), [("42", 42), (" 42 ", 42), ("+5", 5), ("-7", -7), ("007", 7)])
def test_a_whole_number_is_read_as_people_type_it(sent: str, value: int) -> None:
    assert answer(int, sent) == value


@pytest.mark.parametrize(
    "sent", ["", "-", "five", "5.0", "5 6", "1_000", "1,000", "0x10", "٣", "5️⃣", "²", "1e3", "\x00"]
)
def test_what_is_no_whole_number_is_asked_for_again(sent: str) -> None:
    assert refusal(int, sent) == "Please send a whole number."


@pytest.mark.parametrize("annotation", [int, float, Decimal])
@pytest.mark.parametrize("sent", ["9" * 5000, "9" * 400, "-" + "9" * 400])
def test_a_number_of_absurd_length_is_too_large(annotation: type, sent: str) -> None:
    assert refusal(annotation, sent) == "That number is too large."


def test_a_whole_number_fits_64_bits() -> None:
    assert answer(int, str(2**63 - 1)) == 2**63 - 1
    assert refusal(int, str(2**63)) == "That number is too large."


@pytest.mark.parametrize("annotation", [float, Decimal])
@pytest.mark.parametrize("sent", ["nan", "inf", "-Infinity", "sNaN1", "2,5", "1_0.5", "", "e5", "0x1p3", "٣.٥"])
def test_what_is_no_number_is_asked_for_again(annotation: type, sent: str) -> None:
    assert refusal(annotation, sent) == "Please send a number, such as 12 or 12.5."


@pytest.mark.parametrize("annotation", [float, Decimal])
def test_a_number_beyond_all_measure_is_too_large(annotation: type) -> None:
    assert refusal(annotation, "1e999") == "That number is too large."


def test_a_decimal_keeps_every_digit_that_was_sent() -> None:
    assert str(answer(Decimal, "5.10")) == "5.10"
    assert answer(Decimal, "0.1000000000000000000000000001") == Decimal("0.1000000000000000000000000001")
    assert answer(Decimal, "0.1000000000000000000000000001", number(0, 1)) == Decimal("0.1000000000000000000000000001")


def test_without_annotation_a_number_is_whole_if_it_is_written_so() -> None:
    assert repr(answer(None, "5", number())) == "5"
    assert repr(answer(None, "5.0", number())) == "5.0"
    assert refusal(None, "x", number()) == "Please send a number, such as 12 or 12.5."
    assert refusal(None, "9" * 30, number()) == "That number is too large."


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[int, Meta(ge=1, le=130)],
        Annotated[int, Field(ge=1, le=130)],
        Annotated[int, Interval(ge=1, le=130)],
        Annotated[Annotated[int, Meta(ge=1)], Meta(le=130)],
        Annotated[int, number(1, 130)],
        Annotated[float, Meta(ge=1, le=130)],
        Annotated[Decimal, Field(ge=1, le=130)],
        Annotated[int | None, Meta(ge=1, le=130)],
    ],
)
def test_a_number_out_of_bounds_is_told_the_bound(annotation: object) -> None:
    assert answer(annotation, "1") == 1
    assert answer(annotation, "130") == 130
    assert refusal(annotation, "0") == "The number must be at least 1."
    assert refusal(annotation, "131") == "The number must be at most 130."


def test_every_bound_has_words() -> None:
    assert refusal(PositiveInt, "0") == "The number must be greater than 0."
    assert refusal(Annotated[float, Meta(lt=1.5)], "1.5") == "The number must be less than 1.5."
    assert refusal(Annotated[int, Meta(multiple_of=5)], "7") == "The number must be a multiple of 5."


def test_bounds_of_wait_and_annotation_both_hold() -> None:
    annotation = Annotated[int, Meta(le=10)]
    assert refusal(annotation, "11", number(5, 20)) == "The number must be at most 10."
    assert refusal(annotation, "4", number(5, 20)) == "The number must be at least 5."
    assert refusal(int, "5.5", number()) == "Please send a whole number."
    assert refusal(None, "5.5", number(whole=True)) == "Please send a whole number."
