"""Semantics A: runs, handlers, failures of handlers, order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Guest, Only, Party, party
from tests.semantics.playing import SORRY, result_of
from turnflow import Directive, Failure, Flow, Registry, Turn, command, minutes
from turnflow.ports import Handled, Unclaimed


async def test_a1_a_finished_run_keeps_its_record_and_journal_and_a_new_one_gets_another_id(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(party()) as play:
        for text in ("/start", "Ada", "Rome", "Pasta"):
            await play.say(text)
        await play.restart()
        (first,) = await play.runs()
        assert first.status == "completed"
        assert first.ending is not None
        assert result_of(first.ending) == {"name": "Ada", "city": "Rome", "food": "Pasta"}
        assert len(await play.store.journal(first.run)) == 4

        assert await play.say("/start") == ["Your name?"]
        second = (await play.runs())[-1]
        assert second.run != first.run
        assert (await play.engine.inspect(first.run)).status == "completed"


async def test_a2_code_before_a_wait_does_not_run_again_because_the_wait_was_answered(rehearse: Rehearsing) -> None:
    entered: list[object] = []

    class Only(StrEnum):
        PAY = "pay"

    flow = Flow("pay", steps=Only)

    @flow.step(Only.PAY)
    async def pay(turn: Turn[Only, None]) -> Directive:
        if turn.input is None:
            entered.append("charged")
            turn.say("Charged. Send a note?")
            return turn.wait("note")
        entered.append(turn.input.text)
        return turn.wait("note") if turn.input.text == "more" else turn.complete(turn.input.text)

    async with rehearse(flow) as play:
        assert await play.say("/start") == ["Charged. Send a note?"]
        await play.restart()
        await play.say("more")
        await play.say("thanks")
        assert entered == ["charged", "more", "thanks"]


def fragile() -> tuple[Flow[Party, Guest], list[str]]:
    flow = party()
    fails: list[str] = []

    @flow.middleware
    async def broken(turn: Turn[Party, Guest], call_next: Callable[[], Awaitable[Directive]]) -> Directive:
        if turn.input is not None and turn.input.text in fails:
            raise RuntimeError("the database is away")
        return await call_next()

    return flow, fails


async def test_a6_a_handler_that_raises_ends_the_run_by_the_failure_rules_and_the_person_is_told(
    rehearse: Rehearsing,
) -> None:
    flow, fails = fragile()
    fails.append("Ada")
    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("Ada") == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert (ending.error.code, ending.error.step, ending.error.attempt) == ("exception", "name", 1)
        assert "the database is away" in ending.error.message
        await play.say("anybody?")
        assert isinstance(play.deliveries[0], Unclaimed), "no run is left that swallows what people say"
        assert await play.say("/start") == ["Your name?"]


async def test_a6_the_input_of_a_handler_that_raised_is_not_lost(rehearse: Rehearsing) -> None:
    flow, fails = fragile()
    fails.append("Ada")

    @flow.on_error
    async def again(turn: Turn[Party, Guest], error: Failure) -> Directive:
        turn.say(f"One moment, I have {turn.input.text if turn.input else 'nothing'}.")
        fails.clear()
        return turn.repeat()

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("Ada") == ["One moment, I have Ada.", "Your city?"]


async def test_a7_deliveries_that_arrive_at_once_are_applied_one_after_the_other_in_order(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        await play.say("/start")
        await play.race("Ada", "Rome", "Pasta")
        (ending,) = await play.endings()
        assert result_of(ending) == {"name": "Ada", "city": "Rome", "food": "Pasta"}


async def test_a7_a_slow_handler_does_not_hold_up_cancel_timers_or_other_runs(rehearse: Rehearsing) -> None:
    release = asyncio.Event()

    class Only(StrEnum):
        WORK = "work"

    slow = Flow("slow", steps=Only)

    @slow.step(Only.WORK)
    async def work(turn: Turn[Only, None]) -> Directive:
        await release.wait()
        turn.say("Done.")
        return turn.complete()

    ticking = Flow("ticking", steps=Only)

    @ticking.step(Only.WORK, ask="Still there?", timeout=minutes(1), on_timeout="cancel")
    async def tick(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete()

    registry = Registry()
    registry.register(slow, on=[command("slow")])
    registry.register(ticking, on=[command("tick")])
    async with rehearse(registry) as play:
        await play.say("/tick")
        await play.say("/slow")
        bob = play.as_("bob")
        assert await bob.say("/tick") == ["Still there?"]
        assert "This took too long" in (await play.clock(minutes=2))[0]
        assert await play.say("/cancel") == ["Cancelled."]
        release.set()
        await play.settle()
        assert {run.flow: run.status for run in await play.runs()} == {"slow": "cancelled", "ticking": "cancelled"}
        assert "Done." not in play.person.texts, "an answer that comes too late says nothing"


async def test_a7_what_is_said_while_a_slow_handler_works_waits_for_its_question(rehearse: Rehearsing) -> None:
    release = asyncio.Event()

    class Two(StrEnum):
        LOOK = "look"
        NAME = "name"

    flow = Flow("slow", steps=Two)

    @flow.step(Two.LOOK)
    async def look(turn: Turn[Two, None]) -> Directive:
        await release.wait()
        return turn.next(Two.NAME)

    @flow.step(Two.NAME, ask="Your name?")
    async def name(turn: Turn[Two, None], answer: str) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("Ada")
        assert isinstance(play.deliveries[0], Handled)
        release.set()
        while not await play.endings():
            await asyncio.sleep(0.01)
        (ending,) = await play.endings()
        assert result_of(ending) == "Ada"
