"""Semantics B6: albums and bursts."""

from __future__ import annotations

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Only
from tests.semantics.playing import result_of
from turnflow import (
    Directive,
    Flow,
    Media,
    Turn,
    answers,
    seconds,
)
from turnflow.core.ids import Json


async def test_b6_what_arrives_within_the_window_is_delivered_as_one_input_in_order(rehearse: Rehearsing) -> None:
    flow = Flow("album", steps=Only)

    @flow.step(Only.ASK, accepts=answers.photo(), gather=seconds(1))
    async def ask(turn: Turn[Only, None]) -> Directive:
        if turn.input is None:
            turn.say("Your photos?")
            return turn.wait("photos")
        return turn.complete([item.media[0].name for item in turn.input.items or (turn.input,)])

    async with rehearse(flow) as play:
        await play.say("/start")
        for name in ("one.jpg", "two.jpg", "three.jpg"):
            await play.share("photo", name)
        await play.restart()
        await play.clock(seconds=2)
        assert result_of((await play.endings())[0]) == ["one.jpg", "two.jpg", "three.jpg"]
        await play.say("/start")
        await play.share("photo", "single.jpg")
        await play.clock(seconds=2)
        assert result_of((await play.endings())[1]) == ["single.jpg"]


@pytest.mark.parametrize(
    ("annotation", "result"),
    [(str, "'hello\\nthere'"), (list[Media], None)],
)
async def test_b6_a_burst_becomes_one_typed_answer(rehearse: Rehearsing, annotation: object, result: Json) -> None:
    flow = Flow("burst", steps=Only)

    async def ask(turn: Turn[Only, None], answer: str | list[Media]) -> Directive:
        return turn.complete(repr(answer) if isinstance(answer, str) else [file.name for file in answer])

    ask.__annotations__["answer"] = annotation
    flow.step(Only.ASK, ask="Well?", gather=seconds(1))(ask)
    async with rehearse(flow) as play:
        await play.say("/start")
        if annotation is str:
            await play.say("hello")
            await play.say("there")
        else:
            await play.share("photo", "a.jpg")
            await play.share("document", "b.pdf")
        await play.clock(seconds=1)
        assert result_of((await play.endings())[0]) == (result or ["a.jpg", "b.pdf"])


async def test_b6_a_timeout_during_the_window_waits_for_the_burst_that_is_being_collected(rehearse: Rehearsing) -> None:
    flow = Flow("burst", steps=Only)

    @flow.step(Only.ASK, ask="Well?", gather=seconds(10), timeout=seconds(60), on_timeout="cancel")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.clock(seconds=55)
        await play.say("wait")
        await play.clock(seconds=20)
        assert [ending.outcome for ending in await play.endings()] == ["completed"]
