"""Semantics B4: typed answers."""

from __future__ import annotations

from datetime import date
from enum import Enum, StrEnum
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta
from pydantic import BaseModel, EmailStr, PositiveInt

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Only
from tests.semantics.playing import SORRY, result_of
from turnflow import (
    Directive,
    Flow,
    Message,
    Turn,
)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(msgspec.Struct):
    x: int
    y: int = 0


class Contact(BaseModel):
    mail: EmailStr
    age: PositiveInt


@pytest.mark.parametrize(
    ("annotation", "bad", "good", "value"),
    [
        (int, "four", "4", 4),
        (Annotated[int, Meta(ge=1, le=5)], "6", "5", 5),
        (float, "pi", "3.14", 3.14),
        (bool, "perhaps", "no", False),
        (Literal["small", "big"], "medium", "BIG", "big"),
        (Colour, "green", "blue", Colour.BLUE),
        (date, "someday", "2026-02-28", date(2026, 2, 28)),
        (Point, '{"x": "one"}', '{"x": 1}', Point(1)),
        (Contact, '{"mail": "ada@example.com", "age": 0}', '{"mail": "ada@example.com", "age": 36}', None),
        (PositiveInt, "0", "7", 7),
        (Annotated[str, Meta(max_length=3)], "long", "abc", "abc"),
        (int | None, "none", "4", 4),
    ],
)
async def test_b4_the_annotation_parses_and_validates_and_the_reason_is_told(
    rehearse: Rehearsing, annotation: object, bad: str, good: str, value: object
) -> None:
    flow = Flow("typed", steps=Only)
    got: list[object] = []

    async def ask(turn: Turn[Only, None], answer: object) -> Directive:
        got.append(answer)
        return turn.complete()

    ask.__annotations__["answer"] = annotation
    flow.step(Only.ASK, ask="Well?")(ask)
    async with rehearse(flow) as play:
        await play.say("/start")
        (reason,) = await play.say(bad)
        assert reason[0].isupper()
        assert reason.endswith(".")
        assert got == []
        await play.say(good)
        assert got == [value] if value is not None else isinstance(got[0], Contact)


async def test_b4_a_refused_answer_changes_nothing_and_gets_the_retry_reply_with_the_reason(
    rehearse: Rehearsing,
) -> None:
    flow = Flow("age", steps=Only)

    @flow.step(Only.ASK, ask="How old?", retry="{reason} (You may also say /cancel.)")
    async def ask(turn: Turn[Only, None], answer: Annotated[int, Meta(ge=1, le=130)]) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        (before,) = await play.runs()
        (said,) = await play.say("300")
        assert said.endswith(" (You may also say /cancel.)")
        assert "130" in said
        (after,) = await play.runs()
        assert (after.cursors[0].step, after.data) == (before.cursors[0].step, before.data)
        await play.restart()
        await play.say("30")
        assert result_of((await play.endings())[0]) == 30


async def test_b4_the_retry_reply_may_be_a_handler_that_gets_the_reason(rehearse: Rehearsing) -> None:
    flow = Flow("age", steps=Only)

    @flow.step(
        Only.ASK,
        ask="How old?",
        retry=lambda turn, reason: Message(f"{turn.input.text if turn.input else ''}? {reason}", buttons=[["18"]]),
    )
    async def ask(turn: Turn[Only, None], answer: int) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        (said,) = await play.say("old")
        assert said.startswith("old? ")
        await play.press("18")
        assert result_of((await play.endings())[0]) == 18, "buttons of a retry reply answer the open question"


async def test_b4_attempts_bound_the_retries_and_lead_to_the_step_named(rehearse: Rehearsing) -> None:
    class Steps(StrEnum):
        AGE = "age"
        GUESS = "guess"

    flow = Flow("age", steps=Steps)

    @flow.step(Steps.AGE, ask="How old?", retry="A number, please.", attempts=3, on_exhausted=Steps.GUESS)
    async def age(turn: Turn[Steps, None], answer: int) -> Directive:
        return turn.complete(answer)

    @flow.step(Steps.GUESS, ask="Shall I guess?")
    async def guess(turn: Turn[Steps, None], answer: bool) -> Directive:
        return turn.complete("guessed") if answer else turn.back()

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("a") == ["A number, please."]
        await play.restart()
        assert await play.say("b") == ["A number, please."]
        assert await play.say("c") == ["Shall I guess? [Yes] [No]"]
        assert await play.press("No") == ["How old?"]
        assert await play.say("d") == ["A number, please."], "asked anew, there are three attempts again"


async def test_b4_attempts_without_a_way_out_fail_the_step(rehearse: Rehearsing) -> None:
    flow = Flow("age", steps=Only)

    @flow.step(Only.ASK, ask="How old?", attempts=1)
    async def ask(turn: Turn[Only, None], answer: int) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        assert (await play.say("a"))[-1] == SORRY
        (ending,) = await play.endings()
        assert ending.error is not None
        assert ending.error.code == "attempts_exhausted"
