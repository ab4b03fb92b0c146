"""Closed sets of answers: literals, enums, yes and no, lists of options, and their buttons."""

from __future__ import annotations

from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Literal

import pytest

from tests.answers.asking import answer, pressed, refusal
from turnflow.answers import accepts_for, choice, number, options_for, text, yes_no


class Colour(StrEnum):
    DARK_RED = "dark-red"
    BLUE = "blue"


class Size(IntEnum):
    EXTRA_LARGE = 2
    SMALL = 1


class Plan(Enum):
    FREE = {"price": 0}
    PRO = {"price": 9}


@pytest.mark.parametrize("sent", ["yes", "YES", " Yes ", "yEs\n"])
def test_case_and_blanks_at_the_ends_do_not_matter(sent: str) -> None:
    assert answer(Literal["yes", "no"], sent) == "yes"
    assert answer(None, sent, choice("yes", "no")) == "yes"


def test_a_press_answers_like_the_typed_word() -> None:
    assert answer(Literal["yes", "no"], pressed("no")) == "no"
    assert answer(Colour, pressed("blue")) is Colour.BLUE
    assert answer(bool, pressed("no")) is False


def test_a_literal_means_its_own_value() -> None:
    assert answer(Literal[1, 2], "2") == 2
    assert answer(Literal["a", None], "a") == "a"
    assert answer(Literal[True], "yes") is True
    assert answer(Literal[Colour.BLUE], "blue") is Colour.BLUE


@pytest.mark.parametrize("sent", ["dark-red", "DARK-RED", "DARK_RED", "dark_red"])
def test_an_enum_is_answered_by_value_or_name(sent: str) -> None:
    assert answer(Colour, sent) is Colour.DARK_RED


@pytest.mark.parametrize("sent", ["2", "Extra large", "extra LARGE", "EXTRA_LARGE"])
def test_an_enum_of_numbers_is_answered_by_number_label_or_name(sent: str) -> None:
    assert answer(Size, sent) is Size.EXTRA_LARGE


def test_an_enum_of_anything_is_answered_by_name() -> None:
    assert answer(Plan, "pro") is Plan.PRO
    assert options_for(Plan, choice("x")) == [("x", "x")]


@pytest.mark.parametrize(("sent", "value"), [("Yes", True), ("y", True), ("true", True), ("No", False), ("N", False)])
def test_yes_and_no_are_understood_in_short(sent: str, value: bool) -> None:
    assert answer(bool, sent) is value
    assert answer(None, sent, yes_no()) is value
    assert answer(Literal["yes", "no"], sent, yes_no()) == ("yes" if value else "no")


def test_yes_and_no_speak_the_language_of_their_labels() -> None:
    accepts = yes_no("Oui", "Non")
    assert answer(bool, "oui", accepts) is True
    assert options_for(bool, accepts) == [("Oui", "yes"), ("Non", "no")]
    assert refusal(bool, "ja", accepts) == "Please answer Oui or Non."


def test_an_option_is_meant_by_label_or_by_value() -> None:
    accepts = choice(("Deep red!", "dark-red"), "blue")
    for sent in ("deep red!", "dark-red", pressed("dark-red")):
        assert answer(None, sent, accepts) == "dark-red"
        assert answer(Colour, sent, accepts) is Colour.DARK_RED


def test_an_exact_answer_wins_and_an_ambiguous_one_means_nothing() -> None:
    assert answer(Literal["a", "A"], "A") == "A"
    assert answer(None, "b", choice(("b", "1"), ("x", "b"))) == "b"
    assert refusal(Literal["ab", "AB"], "aB") == "Please answer ab or AB."


def test_the_refusal_names_the_options_while_they_are_few() -> None:
    assert refusal(Literal["yes", "no", "back"], "x") == "Please answer yes, no or back."
    assert refusal(None, "x", choice("ok")) == "Please answer ok."
    assert refusal(None, "x", choice(*map(str, range(100)))) == "Please choose one of the options."


def test_buttons_come_in_the_order_written() -> None:
    assert options_for(Literal["yes", "no", "back"], text()) == [("yes", "yes"), ("no", "no"), ("back", "back")]
    assert options_for(Colour, text()) == [("dark-red", "dark-red"), ("blue", "blue")]
    assert options_for(Size, text()) == [("Extra large", "2"), ("Small", "1")]
    assert options_for(bool, text()) == [("Yes", "yes"), ("No", "no")]
    assert options_for(Literal["back"] | int, text()) == [("back", "back")]
    assert options_for(Annotated[str, choice("a", ("B!", "b"))], choice("a", ("B!", "b"))) == [("a", "a"), ("B!", "b")]
    assert options_for(None, choice("a")) == [("a", "a")]


def test_open_answers_have_no_buttons() -> None:
    assert options_for(int, number()) == []
    assert options_for(None, text()) == []


@pytest.mark.parametrize("annotation", [Literal["a", "b"], Colour, Size, Plan, bool])
def test_every_button_is_a_valid_answer(annotation: object) -> None:
    accepts = accepts_for(annotation)
    assert accepts is not None
    assert {"text", "press"} == set(accepts.kinds)
    options = options_for(annotation, accepts)
    assert len({answer(annotation, pressed(value)) == answer(annotation, label) for label, value in options}) == 1
    assert len(options) == len({str(answer(annotation, pressed(value))) for _, value in options})
