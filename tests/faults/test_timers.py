"""Timers fire once, not early, and are never lost: across restarts, races with answers, and while runs are halted."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from itertools import permutations
from pathlib import Path

import msgspec
import pytest

from tests.faults.house import House, house, stores
from turnflow import Directive, Flow, Registry, Turn, command, hours, minutes
from turnflow.ports import Handled
from turnflow.stores import MemoryStore


class Step(StrEnum):
    ASK = "ask"
    LATE = "late"


class Notes(msgspec.Struct):
    lines: list[str] = msgspec.field(default_factory=list)


def patient(pace: float = 0.0) -> Registry:
    """A question with a reminder and a timeout, in a flow that ends after an hour and a half without input."""
    flow = Flow("patient", steps=Step, data=Notes, idle=minutes(90))

    @flow.step(Step.ASK, ask="Well?", remind=[minutes(20)], timeout=minutes(30), on_timeout=Step.LATE)
    async def ask(turn: Turn[Step, Notes], answer: str) -> Directive:
        await asyncio.sleep(pace)
        turn.data.lines.append(f"answered {answer}")
        return turn.next(Step.LATE)

    @flow.step(Step.LATE, ask="Anything else?")
    async def late(turn: Turn[Step, Notes], answer: str) -> Directive:
        turn.data.lines.append(answer)
        return turn.repeat()

    flows = Registry()
    flows.register(flow, on=[command("wait")])
    return flows


@pytest.mark.parametrize("name", ["memory", "sqlite"])
async def test_a_timer_due_while_the_process_was_down_fires_once_after_restart(tmp_path: Path, name: str) -> None:
    store = stores(tmp_path)[name]
    async with house(patient(), store) as home:
        await home.say("/wait")
    home.clock.advance(hours=1)  # type: ignore[attr-defined]  # a house has a FakeClock
    async with house(patient(), store, clock=home.clock, bot=home.bot) as home:
        assert home.texts() == ["Well?", "Well?", "Anything else?"]
        (await home.verify()).demand(fired=2)
    async with house(patient(), store, clock=home.clock, bot=home.bot) as home:
        await home.wait(minutes=10)
        assert home.texts() == ["Well?", "Well?", "Anything else?"]
        (await home.verify()).demand(fired=2)


async def test_a_timer_is_never_early_and_never_late_by_more_than_a_moment() -> None:
    async with house(patient()) as home:
        await home.say("/wait")
        await home.wait(minutes=19, seconds=59.999)
        assert home.texts() == ["Well?"]
        await home.wait(milliseconds=1)
        assert home.texts() == ["Well?", "Well?"]
        await home.verify()


async def test_an_idle_limit_that_every_input_puts_off_fires_after_the_last_one() -> None:
    """The timer moves away from what memory holds while it is already within sight."""
    async with house(patient()) as home:
        await home.say("/wait")
        await home.say("here")
        for _ in range(4):
            await home.wait(minutes=89, seconds=30)  # within the window in which memory holds it
            await home.say("still here")
            await home.verify()
        await home.wait(minutes=89)
        assert (await home.run()).status == "waiting"
        await home.wait(minutes=1)
        assert (await home.run()).status == "cancelled"
        (await home.verify()).demand(fired=1)


@pytest.mark.parametrize("pace", [0.0, 0.02])
async def test_a_wait_answered_at_the_instant_it_times_out_has_one_winner(pace: float) -> None:
    for order in permutations(("answer", "time", "again")):
        async with house(patient(pace)) as home:
            await home.say("/wait")
            await home.wait(minutes=25)
            async with asyncio.TaskGroup() as race:
                for racer in order:
                    race.create_task(compete(home, racer))
            await home.rest()
            await home.wait(minutes=1)
            state = await home.run()
            lines = msgspec.json.decode(state.data["lines"], type=list[str])
            asked = home.texts().count("Anything else?")
            said = [f"{line}" for line in lines if line.startswith("answered")]
            assert len(said) in (0, 1), (order, lines)
            # Whoever won, both lines were heard once: by the question, or by what follows it.
            assert sorted(line.removeprefix("answered ") for line in lines) == ["again", "answer"], (order, lines)
            assert asked == 1 + len(lines) - len(said), (order, home.texts())
            await home.verify()


async def compete(home: House, racer: str) -> None:
    if racer == "time":
        await home.wait(minutes=5)
    else:
        answer = await home.send(home.text(racer), rest=False)
        assert isinstance(answer, Handled)


async def test_every_interleaving_of_an_answer_and_a_timeout_has_one_winner() -> None:
    """The answer is handed in after n turns of the event loop, for every n until the timeout is long over."""
    winners = set()
    for delay in range(40):
        async with house(patient()) as home:
            await home.say("/wait")
            await home.wait(minutes=25)
            home.clock.advance(minutes=5)  # type: ignore[attr-defined]  # a house has a FakeClock
            for _ in range(delay):
                await asyncio.sleep(0)
            await home.say("now")
            state = await home.run()
            (line,) = msgspec.json.decode(state.data["lines"], type=list[str])
            winners.add(line)
            await home.verify()
    assert winners == {"answered now", "now"}


async def test_many_timers_due_at_once_each_fire_once() -> None:
    async with house(patient()) as home:
        chats = [str(number) for number in range(300)]
        await asyncio.gather(*(home.send(home.text("/wait", chat=chat), rest=False) for chat in chats))
        await home.rest()
        await home.wait(minutes=30)
        report = await home.verify()
        assert report.fired == 600
        await home.wait(hours=3)
        assert all(state.status == "cancelled" for state in await home.runs())
        (await home.verify()).demand(fired=900)


async def test_a_clock_that_jumps_back_loses_no_timer_and_fires_none_early() -> None:
    async with house(patient()) as home:
        await home.say("/wait")
        await home.wait(minutes=10)
        await home.wait(minutes=-60)
        await home.say("here")
        await home.verify()
        await home.wait(hours=4)
        assert (await home.run()).status == "cancelled"
        await home.verify()


async def test_a_timer_that_came_due_while_its_run_was_blocked_fires_when_the_run_goes_on() -> None:
    store = MemoryStore()
    async with house(patient(), store) as home:
        await home.say("/wait")
    async with house(without_flow(), store, clock=home.clock, bot=home.bot) as later:
        await later.wait(minutes=20)  # the reminder finds out that the code is gone
        assert (await later.run()).status == "blocked"
        await later.wait(minutes=20)
        assert (await later.run()).status == "blocked"
    async with house(patient(), store, clock=home.clock, bot=home.bot) as back:
        await back.wait(seconds=1)
        state = await back.run()
        assert [cursor.step for cursor in state.cursors] == ["late"]
        (await back.verify()).demand(fired=3)


def without_flow() -> Registry:
    other = Flow("other", steps=Step)

    @other.step(Step.ASK, ask="Other?", to=[Step.LATE])
    async def ask(turn: Turn[Step, None], answer: str) -> Directive:
        return turn.next(Step.LATE)

    @other.step(Step.LATE, ask="Late?", timeout=hours(1), on_timeout="cancel")
    async def late(turn: Turn[Step, None], answer: str) -> Directive:
        return turn.complete()

    flows = Registry()
    flows.register(other, on=[command("other")])
    return flows


async def test_news_of_a_timer_that_was_put_off_meanwhile_does_not_lose_it() -> None:
    """What a slow read of the store brings may be older than the run."""
    async with house(patient()) as home:
        await home.say("/wait")
        (stale,) = [timer for timer in (await home.store.due(range(64), 1 << 60, 10)).timers if timer.timer == "idle"]
        await home.wait(minutes=80)
        await home.say("here")
        await home.wait(minutes=10)
        home.process.timers.add([stale])
        await home.wait(seconds=1)
        await home.verify()
        await home.wait(minutes=80)
        assert (await home.run()).status == "cancelled"
        await home.verify()
