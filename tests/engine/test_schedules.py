"""Flows that time starts: at their moment and once, whatever clocks, the process or an earlier run do."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from examples.actions import actions
from tests.faults.faulty import Faults, FaultyMemory, When
from turnflow import Directive, Flow, Registry, Turn, command, open_engine, schedule
from turnflow.core.definition import CatchUp, Overlap, Trigger
from turnflow.core.ids import At
from turnflow.core.state import RunState
from turnflow.declarative import load_flow
from turnflow.engine import Schedule
from turnflow.engine.alarm import CATCH_UP_LIMIT
from turnflow.ports import RunQuery, TimerRecord
from turnflow.stores import MemoryStore, SqliteStore
from turnflow.testing import FakeClock, Rehearsal

EXAMPLES = Path(__file__).parents[2] / "examples"
BERLIN = "Europe/Berlin"
NIGHTLY = "0 2 * * *"


class Step(StrEnum):
    ONLY = "only"


class Report(msgspec.Struct):
    region: str = "all"


def nightly(name: str = "nightly", *, waits: bool = False) -> Flow[Step, Report]:
    """A flow that completes at once with its region, or waits until somebody cancels it."""
    flow = Flow(name, steps=Step, data=Report)
    if waits:

        @flow.step(Step.ONLY, ask="How was it?")
        async def ask(turn: Turn[Step, Report], answer: str) -> Directive:
            return turn.complete(answer)

    else:

        @flow.step(Step.ONLY)
        async def only(turn: Turn[Step, Report]) -> Directive:
            return turn.complete(turn.data.region)

    return flow


def known(*on: Trigger, waits: bool = False) -> Registry:
    registry = Registry()
    registry.register(nightly(waits=waits), on=on)
    return registry


def at(text: str, zone: str = "UTC") -> At:
    """The moment of `2026-03-28 02:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def stage(registry: Registry, now: str, *, store: str = "memory://") -> Rehearsal:
    """A rehearsal that begins at a moment (UTC)."""
    play = Rehearsal(registry, store=store)
    play.fake_clock.move_to(at(now))
    return play


async def began(play: Rehearsal, zone: str = "UTC") -> list[str]:
    """When the runs began, by the clocks of a zone."""
    runs = sorted(state.created for state in await play.runs())
    return [datetime.fromtimestamp(moment / 1000, ZoneInfo(zone)).strftime("%m-%d %H:%M %Z") for moment in runs]


async def only_schedule(play: Rehearsal) -> Schedule:
    (found,) = await play.engine.schedules.list()
    return found


async def only_run(play: Rehearsal) -> RunState:
    (found,) = await play.runs()
    return found


# --- times ------------------------------------------------------------------------------------------------------------


async def test_a_run_begins_at_each_moment_and_not_earlier() -> None:
    async with stage(known(schedule(NIGHTLY)), "2026-01-01 23:00") as play:
        await play.clock(hours=2, minutes=59, seconds=59)
        assert await began(play) == []
        await play.clock(seconds=1)
        assert await began(play) == ["01-02 02:00 UTC"]
        await play.clock(days=2)
        assert await began(play) == ["01-02 02:00 UTC", "01-03 02:00 UTC", "01-04 02:00 UTC"]
        await play.check()


async def test_an_engine_fires_by_itself() -> None:
    clock = FakeClock(at("2026-01-02 01:59"))
    async with open_engine(known(schedule(NIGHTLY)), store="memory://", clock=clock) as engine:
        while not (found := (await engine.schedules.list())[0]).last_run:
            clock.advance(milliseconds=500)
            await asyncio.sleep(0)
        assert found.last_due == at("2026-01-02 02:00")
        assert (await engine.finished(found.last_run)).outcome == "completed"


async def test_a_time_that_a_clock_change_skips_comes_at_the_first_moment_after_the_gap() -> None:
    async with stage(known(schedule("30 2 * * *", zone=BERLIN)), "2026-03-27 12:00") as play:
        await play.clock(days=3)
        assert await began(play, BERLIN) == ["03-28 02:30 CET", "03-29 03:00 CEST", "03-30 02:30 CEST"]


async def test_a_time_that_a_day_has_twice_comes_the_first_time_only() -> None:
    async with stage(known(schedule("30 2 * * *", zone=BERLIN)), "2026-10-24 12:00") as play:
        await play.clock(hours=13, minutes=15)  # a quarter past two, for the second time
        await play.deploy(known(schedule("30 2 * * *", zone=BERLIN), schedule("40 2 * * *", zone=BERLIN)))
        assert {one.due for one in await play.engine.schedules.list()} == {
            at("2026-10-26 02:30", BERLIN), at("2026-10-26 02:40", BERLIN),
        }  # fmt: skip
        await play.clock(days=1, minutes=20)
        assert await began(play, BERLIN) == ["10-25 02:30 CEST", "10-26 02:30 CET"]


async def test_what_comes_every_so_often_goes_by_the_time_that_passes() -> None:
    async with stage(known(schedule("*/30 * * * *", zone=BERLIN)), "2026-10-25 00:15") as play:
        await play.clock(hours=1, minutes=30)
        assert await began(play, BERLIN) == ["10-25 02:30 CEST", "10-25 02:00 CET", "10-25 02:30 CET"]


async def test_a_run_is_started_with_the_input_and_its_task_names_the_schedule() -> None:
    registry = Registry()
    registry.register(nightly(), on=[schedule(NIGHTLY, input={"region": "north"}), schedule(NIGHTLY), command("now")])
    async with stage(registry, "2026-01-02 01:00") as play:
        await play.clock(hours=1)
        assert sorted(bytes(ending.result or b"") for ending in await play.endings()) == [b'"all"', b'"north"']
        await play.say("/now")
        found = {task.started_by for task in await play.engine.tasks.list()}
        assert found == {"", *(one.id for one in await play.engine.schedules.list())}
        assert len(found) == 3


async def test_schedules_are_listed_with_when_they_are_due_and_what_they_started_last() -> None:
    async with stage(known(schedule(NIGHTLY, zone=BERLIN)), "2026-01-02 00:00") as play:
        first = await only_schedule(play)
        assert (first.flow, first.cron, first.zone, first.last_run) == ("nightly", NIGHTLY, BERLIN, "")
        assert first.due == at("2026-01-02 01:00")
        await play.clock(hours=1)
        (run,) = await play.runs()
        second = await only_schedule(play)
        assert (second.id, second.last_run, second.last_status) == (first.id, run.run, "completed")
        assert (second.last_due, second.due) == (at("2026-01-02 01:00"), at("2026-01-03 01:00"))


async def test_the_example_reports_every_night_and_of_the_week_on_mondays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    graph = load_flow((EXAMPLES / "nightly.yaml").read_text(encoding="utf-8"))
    registry = Registry()
    registry.register(graph, on=graph.triggers)
    for one in actions:
        registry.register_action(one)
    async with stage(registry, "2026-01-03 12:00") as play:  # a Saturday
        await play.clock(days=2)
        for run in await play.runs():
            await play.engine.finished(run.run)
    assert Path("ledger.txt").read_text(encoding="utf-8").splitlines() == [
        "report of 1 days, region north, attempt 1",
        "report of 1 days, region north, attempt 1",
        "report of 7 days, region all, attempt 1",
    ]


# --- while nobody was there ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("catch_up", "caught_up"), [("none", 0), ("last", 1), ("all", 3)], ids=lambda value: str(value)
)
async def test_what_was_due_while_the_process_was_down_follows_catch_up(catch_up: CatchUp, caught_up: int) -> None:
    async with stage(known(schedule(NIGHTLY, catch_up=catch_up)), "2026-01-02 01:00") as play:
        await play.clock(hours=1)
        await play.restart(down=timedelta(days=3, hours=1))
        await play.clock(milliseconds=1)
        assert len(await play.runs()) == 1 + caught_up
        assert (await only_schedule(play)).due == at("2026-01-06 02:00")
        if caught_up:
            assert (await only_schedule(play)).last_due == at("2026-01-05 02:00")
        await play.clock(days=1)
        assert len(await play.runs()) == 2 + caught_up
        await play.check()


async def test_no_more_than_the_last_hundred_moments_are_made_up_for_and_that_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with stage(known(schedule("* * * * *", catch_up="all")), "2026-01-02 01:00") as play:
        with caplog.at_level(logging.WARNING):
            await play.restart(down=timedelta(days=400))
            await play.clock(milliseconds=1)
        assert len(await play.runs()) == CATCH_UP_LIMIT
        assert "due more than 100 times" in caplog.text
        await play.clock(minutes=1)
        assert len(await play.runs()) == CATCH_UP_LIMIT + 1


@pytest.mark.parametrize("catch_up", ["none", "last", "all"])
async def test_a_quick_restart_misses_nothing(catch_up: CatchUp) -> None:
    async with stage(known(schedule(NIGHTLY, catch_up=catch_up)), "2026-01-02 01:59") as play:
        await play.restart(down=timedelta(minutes=1, seconds=30))
        assert len(await play.runs()) == 1


async def test_a_clock_that_jumps_back_starts_no_moment_twice() -> None:
    async with stage(known(schedule(NIGHTLY)), "2026-01-02 01:00") as play:
        await play.clock(hours=1)
        await play.restart(down=timedelta(minutes=-30))
        await play.clock(hours=2)
        assert len(await play.runs()) == 1
        assert (await only_schedule(play)).due == at("2026-01-03 02:00")


# --- beside a run that is live -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("overlap", "live"), [("skip", 1), ("queue", 1), ("allow", 3)], ids=lambda value: str(value))
async def test_what_happens_beside_a_live_run_follows_overlap(overlap: Overlap, live: int) -> None:
    async with stage(known(schedule(NIGHTLY, overlap=overlap), waits=True), "2026-01-02 01:00") as play:
        await play.clock(days=3)
        assert len(await play.runs()) == live
        await play.check()


async def test_a_skipped_moment_stays_skipped() -> None:
    async with stage(known(schedule(NIGHTLY), waits=True), "2026-01-02 01:00") as play:
        await play.clock(days=2)
        (run,) = await play.runs()
        await play.engine.cancel(run.run)
        await play.settle()
        assert len(await play.runs()) == 1
        await play.clock(days=1)
        assert await began(play) == ["01-02 02:00 UTC", "01-04 02:00 UTC"]


async def test_queued_moments_begin_one_after_the_other_in_their_order_across_restarts() -> None:
    async with stage(known(schedule(NIGHTLY, overlap="queue"), waits=True), "2026-01-02 01:00") as play:
        await play.clock(days=3)
        queued = (at("2026-01-03 02:00"), at("2026-01-04 02:00"))
        assert (await only_schedule(play)).queued == queued
        for number, due in enumerate(queued, 1):
            await play.restart()
            await play.engine.cancel((await only_schedule(play)).last_run)
            await play.settle()
            assert (await only_schedule(play)).last_due == due
            assert len(await play.runs()) == 1 + number
        assert (await only_schedule(play)).queued == ()
        await play.check()


async def test_a_run_whose_handler_is_slow_is_live_and_the_queue_goes_on_after_it() -> None:
    flow = Flow("slow", steps=Step)
    begun: list[str] = []
    slow = asyncio.Event()

    @flow.step(Step.ONLY)
    async def only(turn: Turn[Step, None]) -> Directive:
        begun.append(turn.run.id)
        await slow.wait()
        return turn.complete()

    registry = Registry()
    registry.register(flow, on=[schedule(NIGHTLY, overlap="queue")])
    async with stage(registry, "2026-01-02 01:00") as play:
        await play.clock(days=2)  # waits until the handler is left to itself
        assert (await only_run(play)).status == "running"
        assert len((await only_schedule(play)).queued) == 1
        slow.set()
        while (await only_schedule(play)).queued or len(await play.endings()) < 2:
            await asyncio.sleep(0.01)
        assert begun == [state.run for state in await play.runs()]
        await play.check()


async def test_a_queue_has_an_end_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async with stage(known(schedule("* * * * *", overlap="queue"), waits=True), "2026-01-02 01:00") as play:
        with caplog.at_level(logging.WARNING):
            await play.clock(minutes=1 + CATCH_UP_LIMIT)
            assert "moments wait already" not in caplog.text
            await play.clock(minutes=1)
        assert len((await only_schedule(play)).queued) == CATCH_UP_LIMIT
        assert "100 moments wait already" in caplog.text


async def test_a_policy_may_change_without_a_new_beginning() -> None:
    async with stage(known(schedule(NIGHTLY, overlap="queue"), waits=True), "2026-01-02 01:00") as play:
        await play.clock(days=2)
        before = await only_schedule(play)
        await play.deploy(known(schedule(NIGHTLY, overlap="skip", input={"region": "south"}), waits=True))
        after = await only_schedule(play)
        assert (after.id, after.due, after.last_run) == (before.id, before.due, before.last_run)
        assert (len(before.queued), after.queued) == (1, ())


# --- kills ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hit", [1, 2])
@pytest.mark.parametrize(
    "point",
    [
        "timer.before",
        "turn.begin",
        "turn.before_commit",
        "store.commit.begin",
        "store.commit.before_durable",
        "store.commit.after_durable",
        "turn.after_commit",
    ],
)
async def test_a_kill_between_firing_and_commit_starts_one_run(tmp_path: Path, point: str, hit: int) -> None:
    async with stage(known(schedule(NIGHTLY)), "2026-01-02 01:00", store=f"sqlite:///{tmp_path}/s.db") as play:
        play.crash(point, hit=hit)
        await play.clock(days=2)
        assert play.fuse.blown == [point]
        assert await began(play) == ["01-02 02:00 UTC", "01-03 02:00 UTC"]
        await play.check()


@pytest.mark.parametrize("point", ["recovery.begin", "turn.before_commit", "store.commit.after_durable"])
async def test_kills_while_catching_up_start_each_moment_once(tmp_path: Path, point: str) -> None:
    registry = known(schedule(NIGHTLY, catch_up="all"))
    async with stage(registry, "2026-01-02 01:00", store=f"sqlite:///{tmp_path}/s.db") as play:
        for hit in (1, 2, 3):
            play.crash(point, hit=hit)
        await play.restart(down=timedelta(days=5))
        await play.clock(minutes=30)
        assert len(play.fuse.blown) >= 1
        assert len(await play.runs()) == 5
        await play.check()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["commit", "timers"])
async def test_a_store_that_fails_while_a_schedule_fires_loses_nothing_and_doubles_nothing(
    name: str, when: When
) -> None:
    store = FaultyMemory(Faults())
    play = Rehearsal(known(schedule(NIGHTLY)), store=store)
    play.fake_clock.move_to(at("2026-01-02 01:00"))
    async with play:
        store.faults.next = [(name, when), (name, when)]
        await play.clock(days=1, hours=2)
        assert store.faults.fired[name, when] == 2
        assert await began(play) == ["01-02 02:00 UTC", "01-03 02:00 UTC"]
        await play.check()


# --- deploys ----------------------------------------------------------------------------------------------------------


async def test_a_changed_schedule_replaces_the_old_one() -> None:
    async with stage(known(schedule(NIGHTLY)), "2026-01-02 01:00") as play:
        await play.deploy(known(schedule("0 3 * * *")))
        await play.clock(days=1)
        assert await began(play) == ["01-02 03:00 UTC"]
        assert {row.run for row in await play.store.timers("schedule:")} == {(await only_schedule(play)).id}


async def test_a_schedule_that_is_gone_leaves_nothing_behind_and_its_live_run_goes_on() -> None:
    async with stage(known(schedule(NIGHTLY, overlap="queue"), waits=True), "2026-01-02 01:00") as play:
        await play.clock(days=2)
        await play.deploy(known(waits=True))
        assert await play.store.timers("schedule:") == []
        (run,) = await play.runs()
        await play.engine.cancel(run.run)
        await play.clock(days=2)
        assert [state.status for state in await play.runs()] == ["cancelled"]
        await play.check()


async def test_a_schedule_that_comes_back_begins_anew() -> None:
    async with stage(known(schedule(NIGHTLY)), "2026-01-02 01:00") as play:
        await play.deploy(known())
        await play.clock(days=3)
        await play.deploy(known(schedule(NIGHTLY)))
        assert await play.runs() == []
        assert (await only_schedule(play)).due == at("2026-01-05 02:00")


async def test_an_engine_that_is_there_for_a_task_leaves_schedules_alone() -> None:
    store, clock = MemoryStore(), FakeClock(at("2026-01-02 01:00"))
    async with open_engine(known(schedule(NIGHTLY)), store=store, clock=clock):
        before = await store.timers("")
    clock.advance(days=3)
    async with open_engine(known(), store=store, clock=clock, schedules=False) as engine:
        for _ in range(50):
            await asyncio.sleep(0)
            await engine.settled()
        assert await store.timers("") == before
        assert await store.find(RunQuery()) == []
    async with open_engine(known(schedule(NIGHTLY)), store=store, clock=clock) as engine:
        while not (found := (await engine.schedules.list())[0]).last_run:
            await asyncio.sleep(0)
        assert found.last_due == at("2026-01-04 02:00")


class Watched(SqliteStore):
    """The real store, which also notes what it is asked for."""

    rows = 0
    calls: list[str]

    async def timers(self, prefix: str) -> list[TimerRecord]:
        found = await super().timers(prefix)
        self.calls.append(prefix)
        self.rows += len(found)
        return found


async def test_start_up_reads_the_rows_of_its_schedules_and_nothing_else(tmp_path: Path) -> None:
    registry = Registry()
    for number in range(1_000):
        registry.register(nightly(f"f{number}"), on=[schedule(f"{number % 60} 2 * * *")])
    clock = FakeClock()
    for start in (1, 2):
        store = Watched(tmp_path / "s.db")
        store.calls = []
        async with open_engine(registry, store=store, clock=clock):
            assert (store.calls, store.rows) == (["schedule:"], 0 if start == 1 else 1_000)
            assert len(await store.find(RunQuery())) == 0


async def test_a_schedule_has_a_mailbox_and_an_alarm_of_its_own() -> None:
    store = MemoryStore()
    async with open_engine(known(schedule(NIGHTLY)), store=store):
        (row,) = await store.timers("schedule:nightly:")
        assert (str(row.mailbox), row.timer) == (row.run, "next")
        assert await store.timers("schedule:nightl:") == []
