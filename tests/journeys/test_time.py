"""Timers: at their time, once, after restarts too, and never beside an answer."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest

from turnflow import Directive, Flow, Turn, hours, minutes
from turnflow.testing import Rehearsal


class Step(StrEnum):
    ASK = "ask"
    LATE = "late"


asking = Flow("asking", steps=Step)


@asking.step(
    Step.ASK,
    ask="Well?",
    timeout=hours(24),
    on_timeout=Step.LATE,
    remind=[(hours(1), "Still there?"), (hours(2), "Hello?")],
)
async def ask(turn: Turn[Step, None], answer: str) -> Directive:
    turn.say(f"You said {answer}.")
    return turn.complete()


@asking.step(Step.LATE, ask="Too late. Again?")
async def late(turn: Turn[Step, None], answer: bool) -> Directive:
    return turn.goto(Step.ASK) if answer else turn.cancel()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/journey.db"


async def test_timers_fire_at_their_time_and_not_before(store: str) -> None:
    async with Rehearsal(asking, store=store) as play:
        await play.say("/start")
        assert await play.clock(minutes=59, seconds=59) == []
        assert await play.clock(seconds=1) == ["Still there?"]
        assert await play.clock(hours=22) == ["Hello?"]
        assert await play.clock(hours=1) == ["Too late. Again? [Yes] [No]"]
        (await play.check()).demand(fired=3)


async def test_timers_due_while_there_was_no_process_fire_once_when_there_is_one(store: str) -> None:
    async with Rehearsal(asking, store=store) as play:
        await play.say("/start")
        assert await play.restart(hours(25)) == ["Still there?", "Hello?", "Too late. Again? [Yes] [No]"]
        assert await play.restart() == []
        assert await play.clock(hours=48) == []
        (await play.check()).demand(fired=3)


@pytest.mark.parametrize("answer_first", [True, False])
async def test_of_an_answer_and_a_timeout_at_the_same_instant_one_wins(store: str, answer_first: bool) -> None:
    async with Rehearsal(asking, store=store) as play:
        await play.say("/start")
        await play.clock(hours=23)
        race: list[str | timedelta] = ["now", hours(1)]
        await play.race(*(race if answer_first else reversed(race)))
        late = "Too late. Again? [Yes] [No]"
        winners = [["You said now."], [late], [late, "Please answer Yes or No."]]
        assert play.replies in winners
        await play.check()


@pytest.mark.parametrize(
    "point", ["timer.before", "turn.begin", "turn.before_commit", "turn.after_commit", "send.after"]
)
async def test_a_crash_while_a_timer_fires_does_not_fire_it_twice(store: str, point: str) -> None:
    async with Rehearsal(asking, store=store) as play:
        await play.say("/start")
        play.crash(point)
        assert await play.clock(hours=1) == ["Still there?"]
        assert play.fuse.blown == [point]
        assert await play.clock(minutes=30) == []
        (await play.check()).demand(fired=1)


async def test_a_reminder_does_not_move_the_deadline(store: str) -> None:
    async with Rehearsal(asking, store=store) as play:
        await play.say("/start")
        await play.clock(hours=2)
        await play.restart(minutes(5))
        assert await play.clock(hours=21, minutes=54) == []
        assert await play.clock(minutes=1) == ["Too late. Again? [Yes] [No]"]
