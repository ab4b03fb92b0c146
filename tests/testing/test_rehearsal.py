"""Rehearsals: people, time, restarts and crashes, in a test's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.flows import Step, greeting
from turnflow import Registry, Texts, Turn, command, hours
from turnflow.authoring import Flow
from turnflow.core.directives import Directive
from turnflow.engine import CRASH_POINTS
from turnflow.errors import CallerError, MissingResource
from turnflow.ports import Duplicate, Handled, Unclaimed
from turnflow.stores import open_store
from turnflow.testing import FakeClock, InvariantsBroken, Rehearsal


async def test_what_somebody_does_returns_what_they_read() -> None:
    async with Rehearsal(greeting) as play:
        assert await play.say("hello") == []
        assert play.deliveries == [Unclaimed("no run and no trigger wants it")]
        assert await play.say("/start") == ["Name?"]
        await play.say("Ada")
        assert await play.say("36") == ["Ada,\n36? [yes] [no]"]
        assert await play.press("no") == ["Age?"]
        assert await play.press("yes") == ["This button is no longer active."]
        assert play.person.texts == [
            "Name?",
            "Age?",
            "Ada,\n36? [yes] [no]",
            "Age?",
            "This button is no longer active.",
        ]


async def test_people_have_conversations_of_their_own_or_share_one() -> None:
    async with Rehearsal(greeting) as play:
        bob, eve = play.as_("bob"), play.as_("eve", chat="you")
        assert await bob.say("/start") == ["Name?"]
        assert play.replies == []
        assert await eve.say("/start") == ["Name?"]
        assert play.replies == ["Name?"]
        assert play.as_("bob") is bob
        assert await play.say("Ada") == []
        assert await eve.say("Eve") == ["Age?"]


async def test_the_operator_speaks_to_whoever_waits() -> None:
    async with Rehearsal(greeting, texts=Texts(escalated="One moment.")) as play:
        await play.say("/start")
        assert await play.say("help") == ["One moment."]
        assert play.operator.replies == ["RUN needs help"]
        await play.operator.say("What is it?")
        assert play.replies == ["What is it?"]
        await play.operator.answer("I see.")
        assert play.replies == ["I see.", "Name?"]
        await play.say("help")
        await play.operator.cancel()
        assert play.replies == ["Cancelled."]


async def test_the_clock_lets_every_timer_fire_at_its_own_time() -> None:
    async with Rehearsal(greeting) as play:
        await play.say("/start")
        await play.say("Ada")
        began = play.fake_clock.now()
        assert await play.clock(minutes=59) == []
        assert await play.clock(days=2) == ["Name?"]
        assert play.fake_clock.now() - began == 59 * 60_000 + 2 * 86_400_000
        (run,) = await play.runs()
        assert run.updated - began == 3_600_000
        assert isinstance(play.fake_clock, FakeClock)


async def test_a_repeated_input_is_a_duplicate() -> None:
    async with Rehearsal(greeting) as play:
        await play.say("/start")
        assert await play.redeliver() == [Duplicate()]
        assert play.replies == []
        await play.race("Ada", "36")
        assert await play.redeliver() == [Duplicate(), Duplicate()]


async def test_a_race_is_applied_in_order_by_one_after_the_other() -> None:
    async with Rehearsal(greeting) as play:
        bob = play.as_("bob")
        await play.race("/start", (bob, "/start"), "Ada", "36")
        assert play.replies == ["Name?", "Age?", "Ada,\n36? [yes] [no]"]
        assert bob.replies == ["Name?"]
        outcomes = await play.race("[yes]", "[yes]", "[no]")
        assert [isinstance(outcome, Handled) and outcome.refused == "" for outcome in outcomes] == [True, False, False]
        assert [ending.outcome for ending in await play.endings()] == ["completed"]


async def test_a_restart_keeps_the_conversation_and_time_passes_meanwhile() -> None:
    async with Rehearsal(greeting) as play:
        await play.say("/start")
        first = play.engine
        assert await play.restart() == []
        assert play.engine is not first
        assert await play.say("Ada") == ["Age?"]
        assert await play.restart(hours(2)) == ["Name?"]


@pytest.mark.parametrize("point", CRASH_POINTS)
async def test_a_crash_loses_nothing_and_the_next_engine_goes_on(point: str) -> None:
    async with Rehearsal(greeting) as play:
        await play.say("/start")
        before = play.engine
        play.crash(point)
        assert await play.say("Ada") == ["Age?"]
        assert (play.engine is before) == (play.fuse.blown == [])
        assert play.fuse.blown in ([point], [])
        await play.check()


async def test_crashes_happen_in_the_order_in_which_they_were_asked_for() -> None:
    async with Rehearsal(greeting) as play:
        play.crash("turn.after_commit", hit=2)
        play.crash("recovery.begin")
        play.crash("recovery.end")
        await play.say("/start")
        assert play.fuse.armed == ("turn.after_commit", "recovery.begin", "recovery.end")
        await play.say("Ada")
        assert play.fuse.blown == ["turn.after_commit", "recovery.begin", "recovery.end"]
        assert not play.fuse.armed
        (await play.check()).demand(inputs=2, replies=2)


@pytest.mark.parametrize("point", ["store.commit.begin", "store.commit.before_durable", "store.commit.after_durable"])
async def test_the_crash_points_of_a_store_count_as_well(tmp_path: Path, point: str) -> None:
    async with Rehearsal(greeting, store=f"sqlite:///{tmp_path}/kit.db") as play:
        await play.say("/start")
        play.crash(point)
        assert await play.say("Ada") == ["Age?"]
        assert play.fuse.blown == [point]
        await play.check()


async def test_any_store_will_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kit.db"
    for store in (url, open_store(url), lambda crash: open_store(url, crash=crash)):
        async with Rehearsal(greeting, store=store) as play:
            assert await play.say("/start") == ["Name?"]
            assert play.store.grade.store == "sqlite"


async def test_a_registry_brings_its_own_triggers() -> None:
    registry = Registry()
    registry.register(greeting, on=[command("hello")])
    async with Rehearsal(registry) as play:
        assert await play.say("/start") == []
        assert await play.say("/hello") == ["Name?"]


async def test_an_engine_that_cannot_open_says_why() -> None:
    class Bank:
        pass

    needy = Flow("needy", steps=Step)
    for step in Step:

        @needy.step(step, ask="?")
        async def answer(turn: Turn[Step, None], answer: str, bank: Bank) -> Directive:
            return turn.complete()

    with pytest.raises(MissingResource, match="Bank"):
        async with Rehearsal(needy):
            pass
    async with Rehearsal(needy, resources=[Bank()]) as play:
        assert await play.say("/start") == ["?"]


async def test_a_failing_test_is_not_hidden_by_closing_the_rehearsal() -> None:
    async def fail() -> None:
        async with Rehearsal(greeting) as play:
            await play.say("/start")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()


async def test_the_check_finds_what_is_wrong() -> None:
    async with Rehearsal(greeting) as play:
        await play.say("/start")
        play.bot.sent.append(play.bot.sent[0])
        with pytest.raises(InvariantsBroken, match="copies are flagged"):
            await play.check()


async def test_a_crash_point_that_does_not_exist_is_refused_with_the_nearest_name() -> None:
    async with Rehearsal(greeting) as play:
        with pytest.raises(CallerError, match=r"'action\.recordd'; did you mean 'action\.recorded'\?"):
            play.crash("action.recordd")
