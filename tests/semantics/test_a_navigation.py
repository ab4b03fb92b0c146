"""Semantics A: navigation."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Guest, Only, party
from tests.semantics.playing import SORRY, result_of
from turnflow import Directive, Failure, Flow, Turn, minutes
from turnflow.core.ids import StepName


async def test_a3_next_enters_the_target_in_the_same_turn(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        await play.say("/start")
        assert await play.say("Ada") == ["Your city?"]


async def test_a3_back_enters_the_previous_step_which_asks_again(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        for text in ("/start", "Ada", "Rome"):
            await play.say(text)
        assert await play.say("back") == ["Your city?"]
        assert await play.say("back") == ["Your name?"]
        assert await play.say("Bob") == ["Your city?"]


async def test_a3_back_on_the_first_step_asks_it_again(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        await play.say("/start")
        assert await play.say("back") == ["Your name?"]
        assert await play.say("back") == ["Your name?"]
        assert await play.say("Ada") == ["Your city?"]


async def test_a3_repeat_asks_the_current_step_again_and_leaves_the_history_alone(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        for text in ("/start", "Ada"):
            await play.say(text)
        assert await play.say("again") == ["Your city?"]
        assert await play.say("back") == ["Your name?"]


async def test_a3_goto_jumps_to_any_step_and_the_history_restarts_there(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        await play.say("/start")
        assert await play.say("food!") == ["What do you eat?"]
        assert await play.say("back") == ["What do you eat?"], "nothing lies behind the target of a goto"
        assert await play.say("restart") == ["Your name?"]
        await play.say("Ada")
        assert await play.say("back") == ["Your name?"]


async def test_a3_back_does_not_bounce_off_a_step_that_only_decides(rehearse: Rehearsing) -> None:
    class Age(StrEnum):
        ASK = "ask"
        DECIDE = "decide"
        ADULT = "adult"

    flow = Flow("age", steps=Age, data=Guest)

    @flow.step(Age.ASK, ask="How old?")
    async def ask(turn: Turn[Age, Guest], answer: int) -> Directive:
        return turn.next(Age.DECIDE)

    @flow.step(Age.DECIDE, routing=True)
    async def decide(turn: Turn[Age, Guest]) -> Directive:
        return turn.next(Age.ADULT)

    @flow.step(Age.ADULT, ask="Wine?")
    async def adult(turn: Turn[Age, Guest], answer: str) -> Directive:
        return turn.back()

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("40") == ["Wine?"]
        assert await play.say("back") == ["How old?"]


async def test_a3_back_returns_to_a_step_that_went_on_without_asking_and_it_decides_again(rehearse: Rehearsing) -> None:
    """A step that is not marked as routing is one a person can go back to, even if it asks nothing this time."""

    class Trip(StrEnum):
        WHERE = "where"
        NOTICE = "notice"
        WHEN = "when"

    flow = Flow("trip", steps=Trip)

    @flow.step(Trip.WHERE, ask="Where to?")
    async def where(turn: Turn[Trip, None], answer: str) -> Directive:
        return turn.next(Trip.NOTICE)

    @flow.step(Trip.NOTICE)
    async def notice(turn: Turn[Trip, None]) -> Directive:
        if turn.input is not None:
            return turn.next(Trip.WHEN)
        turn.say("Bring a passport. OK?")
        return turn.wait("seen")

    @flow.step(Trip.WHEN, ask="When?")
    async def when(turn: Turn[Trip, None], answer: str) -> Directive:
        return turn.back()

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("Oslo")
        await play.say("ok")
        assert await play.say("x") == ["Bring a passport. OK?"]


async def test_a3_complete_cancel_and_fail_end_the_run_and_say_how(rehearse: Rehearsing) -> None:
    class Only(StrEnum):
        END = "end"

    flow = Flow("ends", steps=Only)

    @flow.step(Only.END, ask="How?")
    async def end(turn: Turn[Only, None], answer: str) -> Directive:
        match answer:
            case "complete":
                return turn.complete({"fine": True})
            case "cancel":
                return turn.cancel("changed my mind")
            case _:
                return turn.fail("no_stock", "nothing left")

    async with rehearse(flow) as play:
        said = []
        for how in ("complete", "cancel", "fail"):
            await play.say("/start")
            said.append(await play.say(how))
        assert said == [[], ["Cancelled."], [SORRY]]
        completed, cancelled, failed = await play.endings()
        assert result_of(completed) == {"fine": True}
        assert (cancelled.outcome, cancelled.reason) == ("cancelled", "changed my mind")
        assert failed.error == Failure("no_stock", "nothing left", StepName("end"))


async def test_a3_escalate_parks_the_run_for_an_operator(rehearse: Rehearsing) -> None:
    class Only(StrEnum):
        HELP = "help"

    flow = Flow("help", steps=Only)

    @flow.step(Only.HELP, ask="What is it?")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.escalate("wants a person")

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("my order") == ["I am asking a colleague. Please wait a moment."]
        (run,) = await play.runs()
        assert run.status == "waiting"


async def test_a3_a_handler_can_read_the_metadata_of_its_run(rehearse: Rehearsing) -> None:
    seen = []

    class Two(StrEnum):
        FIRST = "first"
        SECOND = "second"

    flow = Flow("meta", steps=Two, version=3)

    @flow.step(Two.FIRST, ask="One?")
    async def first(turn: Turn[Two, None], answer: str) -> Directive:
        seen.append(turn.run)
        return turn.next(Two.SECOND)

    @flow.step(Two.SECOND, ask="Two?")
    async def second(turn: Turn[Two, None], answer: str) -> Directive:
        seen.append(turn.run)
        return turn.complete()

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.clock(minutes=5)
        await play.say("x")
        await play.say("y")
        (run,) = await play.runs()
        one, two = seen
        assert (one.id, one.user, one.conversation, one.chat) == (run.run, "you", "chat:you", "chat:you")
        assert (one.flow, one.version, one.parent) == ("meta", 3, None)
        assert (one.step, two.step) == ("first", "second")
        assert [(wait.label, wait.step) for wait in one.waits] == [("first", "first")]
        assert one.created == two.created == datetime(2026, 1, 1, 9, 0, 0, 1000, tzinfo=UTC)
        assert two.updated - two.created >= minutes(5)
