"""Semantics B5: timeouts, reminders, and runs that are abandoned."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Literal

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Cafe, Only
from tests.semantics.playing import EXPIRED, SORRY, result_of
from turnflow import (
    Directive,
    Failure,
    Flow,
    Message,
    Registry,
    Turn,
    command,
    days,
    hours,
    minutes,
)
from turnflow.authoring.waits import Remind


class Late(StrEnum):
    ASK = "ask"
    LATE = "late"


def expiring(
    on_timeout: Literal["cancel", "fail"] | Late | Callable[[Turn[Late, None]], Awaitable[Directive]] | None,
    remind: Sequence[Remind] = (),
) -> Flow[Late, None]:
    """Waits for ten minutes."""
    flow = Flow("expiring", steps=Late)

    @flow.step(Late.ASK, ask="Well?", timeout=minutes(10), on_timeout=on_timeout, remind=remind)
    async def ask(turn: Turn[Late, None], answer: str) -> Directive:
        return turn.complete(answer)

    @flow.step(Late.LATE, ask="You are late. Well?")
    async def late(turn: Turn[Late, None], answer: str) -> Directive:
        return turn.complete(answer)

    return flow


async def test_b5_a_timeout_goes_to_a_step_at_its_time_and_once(rehearse: Rehearsing) -> None:
    async with rehearse(expiring(Late.LATE)) as play:
        await play.say("/start")
        assert await play.clock(minutes=9, seconds=59) == []
        assert await play.clock(seconds=1) == ["You are late. Well?"]
        assert await play.clock(days=2) == []
        await play.say("sorry")
        assert result_of((await play.endings())[0]) == "sorry"


async def test_b5_a_timeout_cancels_and_the_person_is_told(rehearse: Rehearsing) -> None:
    async with rehearse(expiring("cancel")) as play:
        await play.say("/start")
        assert await play.clock(minutes=10) == [EXPIRED]
        assert [(ending.outcome, ending.reason) for ending in await play.endings()] == [("cancelled", "timeout")]


@pytest.mark.parametrize("chosen", ["fail", None])
async def test_b5_a_timeout_fails_the_step_if_nothing_else_is_said(
    rehearse: Rehearsing, chosen: Literal["fail"] | None
) -> None:
    async with rehearse(expiring(chosen)) as play:
        await play.say("/start")
        assert await play.clock(minutes=10) == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert (ending.error.code, ending.error.step) == ("timeout", "ask")


async def test_b5_a_timeout_calls_a_handler(rehearse: Rehearsing) -> None:
    async def ended(turn: Turn[Late, None]) -> Directive:
        turn.say("Asleep?")
        return turn.repeat()

    async with rehearse(expiring(ended)) as play:
        await play.say("/start")
        assert await play.clock(minutes=10) == ["Asleep?", "Well?"]
        assert await play.clock(minutes=10) == ["Asleep?", "Well?"], "asked again, the wait has its whole time again"
        await play.say("no")
        assert result_of((await play.endings())[0]) == "no"


async def test_b5_an_answer_in_time_clears_the_timeout(rehearse: Rehearsing) -> None:
    async with rehearse(cafe_with_timeout()) as play:
        await play.say("/start")
        await play.say("tea")
        assert await play.clock(days=1) == []
        await play.say("big")
        assert result_of((await play.endings())[0]) == "big"


def cafe_with_timeout() -> Flow[Cafe, None]:
    flow = Flow("cafe", steps=Cafe)

    @flow.step(Cafe.DRINK, ask="Drink?", timeout=minutes(1), on_timeout="cancel")
    async def drink(turn: Turn[Cafe, None], answer: str) -> Directive:
        return turn.next(Cafe.SIZE)

    @flow.step(Cafe.SIZE, ask="Size?")
    async def size(turn: Turn[Cafe, None], answer: str) -> Directive:
        return turn.complete(answer)

    return flow


async def test_b5_a_timeout_fires_after_a_restart_and_once_if_it_was_due_while_nothing_ran(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(expiring(Late.LATE)) as play:
        await play.say("/start")
        await play.restart(minutes(1))
        assert await play.clock(minutes=9) == ["You are late. Well?"]
        await play.say("/cancel")
        await play.say("/start")
        assert await play.restart(hours(5)) == ["You are late. Well?"]
        await play.restart()
        await play.clock(days=1)
        assert play.person.texts.count("You are late. Well?") == 2


async def test_b5_a_refused_answer_does_not_prolong_the_wait(rehearse: Rehearsing) -> None:
    flow = Flow("age", steps=Only)

    @flow.step(Only.ASK, ask="How old?", timeout=minutes(10), on_timeout="cancel", retry="A number.")
    async def ask(turn: Turn[Only, None], answer: int) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.clock(minutes=9)
        assert await play.say("old") == ["A number."]
        assert await play.clock(minutes=1) == [EXPIRED]


async def test_b5_reminders_are_sent_before_the_timeout_and_repeat_the_question_if_they_say_nothing(
    rehearse: Rehearsing,
) -> None:
    remind: list[Remind] = [minutes(2), (minutes(5), "Still there?")]
    async with rehearse(expiring("cancel", remind)) as play:
        await play.say("/start")
        assert await play.clock(minutes=3) == ["Well?"]
        await play.restart()
        assert await play.clock(minutes=3) == ["Still there?"]
        assert await play.clock(minutes=5) == [EXPIRED]


async def test_b5_a_reminder_repeats_a_computed_question_with_working_buttons(rehearse: Rehearsing) -> None:
    flow = Flow("computed", steps=Only)

    @flow.step(Only.ASK, ask=lambda turn: Message(f"{turn.run.user}?", buttons=[["ok"]]), remind=[minutes(1)])
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        assert await play.say("/start") == ["you? [ok]"]
        assert await play.clock(minutes=2) == ["you? [ok]"]
        assert await play.press("ok", nth=2) == [], "the buttons of the first time still count: the wait is the same"
        assert result_of((await play.endings())[0]) == "ok"


async def test_b5_an_answered_question_reminds_nobody(rehearse: Rehearsing) -> None:
    flow = Flow("cafe", steps=Cafe)

    @flow.step(Cafe.DRINK, ask="Drink?", remind=[minutes(1)])
    async def drink(turn: Turn[Cafe, None], answer: str) -> Directive:
        return turn.next(Cafe.SIZE)

    @flow.step(Cafe.SIZE, ask="Size?")
    async def size(turn: Turn[Cafe, None], answer: str) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("tea")
        assert await play.clock(days=1) == []


def chatting(ttl: timedelta | None = None, idle: timedelta | None = None) -> Flow[Only, None]:
    """Goes on for ever."""
    flow = Flow("chatting", steps=Only, ttl=ttl, idle=idle)

    @flow.step(Only.ASK, ask="Go on.")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.repeat()

    return flow


async def test_b5_ttl_ends_a_run_a_fixed_time_after_its_start_whatever_is_said(rehearse: Rehearsing) -> None:
    async with rehearse(chatting(ttl=hours(2))) as play:
        await play.say("/start")
        for _ in range(3):
            await play.clock(minutes=30)
            assert await play.say("more") == ["Go on."]
        await play.restart()
        assert await play.clock(minutes=30) == [EXPIRED]
        assert [(ending.outcome, ending.reason) for ending in await play.endings()] == [("cancelled", "ttl")]


async def test_b5_idle_ends_a_run_a_fixed_time_after_its_last_input(rehearse: Rehearsing) -> None:
    async with rehearse(chatting(idle=hours(1))) as play:
        await play.say("/start")
        for _ in range(3):
            await play.clock(minutes=59)
            assert await play.say("more") == ["Go on."]
        await play.restart()
        assert await play.clock(hours=1) == [EXPIRED]
        assert [(ending.outcome, ending.reason) for ending in await play.endings()] == [("cancelled", "idle")]


async def test_b5_who_talks_to_a_called_flow_is_not_idle_in_the_one_that_called_it(rehearse: Rehearsing) -> None:
    class Outer(StrEnum):
        CALL = "call"
        END = "end"

    outer = Flow("outer", steps=Outer, idle=hours(1))
    inner = Flow("inner", steps=Only)

    @outer.step(Outer.CALL)
    async def call(turn: Turn[Outer, None]) -> Directive:
        return turn.call(inner, then=Outer.END)

    @outer.step(Outer.END)
    async def end(turn: Turn[Outer, None]) -> Directive:
        return turn.complete(turn.result)

    @inner.step(Only.ASK, ask="Go on.")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete(answer) if answer == "enough" else turn.repeat()

    registry = Registry()
    registry.register(outer, on=[command("start")])
    registry.register_callable(inner)
    async with rehearse(registry) as play:
        await play.say("/start")
        for _ in range(4):
            await play.clock(minutes=40)
            assert await play.say("more") == ["Go on."]
        assert await play.clock(minutes=61) == [EXPIRED], "but who says nothing to either is idle"
        assert {run.status for run in await play.runs()} == {"cancelled"}


async def test_b5_the_flow_s_own_on_timeout_answers_waits_that_say_nothing_themselves(rehearse: Rehearsing) -> None:
    flow = Flow("expiring", steps=Only)

    @flow.step(Only.ASK, timeout=days(1))
    async def ask(turn: Turn[Only, None]) -> Directive:
        if turn.input is None:
            turn.say("Well?")
            return turn.wait("opinion")
        return turn.complete()

    @flow.on_timeout
    async def late(turn: Turn[Only, None], answer: object = None) -> Directive:
        turn.say("Never mind.")
        return turn.complete("no opinion")

    @flow.on_error
    async def wrong(turn: Turn[Only, None], error: Failure) -> Directive:
        return turn.fail("must not be asked")

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.clock(days=1) == ["Never mind."]
        assert result_of((await play.endings())[0]) == "no opinion"


async def test_b3_an_answer_at_the_instant_of_the_timeout_has_one_winner(rehearse: Rehearsing) -> None:
    async with rehearse(expiring(on_timeout="cancel")) as play:
        await play.say("/start")
        play.fake_clock.advance(minutes=10)
        await play.say("just in time")
        await play.clock(minutes=1)
        assert len(await play.endings()) == 1


async def test_b5_who_waits_for_an_operator_is_not_idle(rehearse: Rehearsing) -> None:
    flow = Flow("support", steps=Only, idle=hours(1))

    @flow.step(Only.ASK, ask="What is it?")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.escalate(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("help")
        assert await play.clock(days=2) == []
        await play.operator.answer("Sorry for the delay.")
        assert play.replies == ["Sorry for the delay.", "What is it?"]
        assert await play.clock(minutes=59) == []
        assert await play.clock(minutes=1) == [EXPIRED], "but who does not answer afterwards is"
