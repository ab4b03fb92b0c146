"""Actions of graphs under way: ended in their time whatever they ignore, bounded in number, repeated under the same key."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.house import House, house, stores
from tests.faults.works import (
    CATCH,
    Bench,
    Does,
    ended,
    hasten,
    kill,
    no_cancellation_left,
    one,
    registry,
    result,
    rows,
    until,
)
from turnflow import action
from turnflow.core.ids import RunId
from turnflow.engine import slots, works
from turnflow.errors import UserCodeError
from turnflow.ports import ActionContext
from turnflow.stores import MemoryStore

STORES = pytest.mark.parametrize("name", ["memory", "sqlite"])


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch.setattr)


async def start(home: House, flow: str = "one", **data: object) -> RunId:
    return await home.engine.start(flow, data)


# --- time ---------------------------------------------------------------------------------------------------------------


@STORES
async def test_an_attempt_over_its_time_is_cancelled_and_the_next_one_counts(tmp_path: Path, name: str) -> None:
    bench = Bench()
    flows = registry(one("attemptTimeout: 30ms, retry: {count: 1, delay: 0}"), act=bench.first_waits)
    async with house(flows, stores(tmp_path)[name]) as home:
        run = await start(home)
        assert result(await ended(home, run)) == "x"
        assert bench.ended == ["cancelled"]
        assert [context.attempt for context in bench.calls] == [1, 2]
        assert len({context.key for context in bench.calls}) == 1, "every attempt has the same key"
        (row,) = [row for row in await rows(home, run) if row.path == "step"]
        assert row.attempts == 2
        await home.verify()


@STORES
async def test_a_step_over_its_time_fails_however_many_attempts_are_left(tmp_path: Path, name: str) -> None:
    bench = Bench()
    flows = registry(one("timeout: 50ms, attemptTimeout: 10m, retry: {count: 9, delay: 0}"), act=bench.wait)
    async with house(flows, stores(tmp_path)[name]) as home:
        run = await start(home)
        assert result(await ended(home, run)) == "timeout"
        assert bench.ended == ["cancelled"]
        await home.verify()


async def test_an_action_that_swallows_its_cancellation_is_left_to_itself_and_its_result_is_late() -> None:
    bench = Bench()
    flows = registry(one("timeout: 30ms, concurrency: 1", outputs=CATCH), one(name="two", action="quick"),
                     act=bench.deaf, quick=lambda argument, context: argument)  # fmt: skip
    async with house(flows) as home:
        first = await start(home)
        assert result(await ended(home, first)) == "failed timeout"
        before = await home.engine.inspect(first)
        second = await start(home)
        assert result(await ended(home, second)) == "failed timeout", "it got the place of the first"
        assert result(await ended(home, await start(home, "two"))) == "x", "others are not held up"
        assert len(home.process.works) == 0
        bench.gate.set()
        await until(lambda: bench.ended.count("returned") == 2)
        await home.rest()
        assert await home.engine.inspect(first) == before
        failed, late = [row for row in await rows(home, first) if row.path == "step"]
        assert (failed.status, failed.late) == ("failed", False)
        assert (late.status, late.late, bytes(late.output or b"")) == ("completed", True, b'"late"'), (
            "it is on record as late"
        )
        await until(lambda: no_cancellation_left(home))
        await home.verify()


async def test_an_action_that_swallows_its_cancellation_and_returns_in_time_is_over_its_time_all_the_same() -> None:
    async def act(argument: bytes, context: ActionContext) -> bytes:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return b'"as if nothing had happened"'
        return b""

    async with house(registry(one("timeout: 20ms", outputs=CATCH), act=act)) as home:
        assert result(await ended(home, await start(home))) == "failed timeout"
        assert no_cancellation_left(home)


@pytest.fixture
def thread_gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


async def test_functions_in_threads_that_ignore_everything_hold_up_neither_runs_nor_each_other(
    thread_gate: threading.Event,
) -> None:
    begun: list[int] = []

    @action(name="act")
    def act(what: str) -> str:
        begun.append(1)
        thread_gate.wait()
        return "late"

    async with house(registry(one("timeout: 300ms", outputs=CATCH), act=act)) as home:
        runs = [await start(home) for _ in range(60)]
        assert {result(await ended(home, run)) for run in runs} == {"failed timeout"}
        assert len(begun) == 60, "all of them were under way at once"
        assert len(home.process.works) == 0
        thread_gate.set()
        await home.rest()
        await home.verify()


async def test_what_says_nothing_of_its_time_has_five_minutes_unless_it_is_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(works, "STEP_LIMIT", 40)
    bench = Bench()
    flows = registry(one(outputs=CATCH), one(name="long", action="long", outputs=CATCH),
                     act=bench.wait, long=Does("long", bench.wait, "long_run"))  # fmt: skip
    async with house(flows) as home:
        long = await start(home, "long")
        assert result(await ended(home, await start(home))) == "failed timeout"
        assert bench.ended == ["cancelled"]
        await asyncio.sleep(0.1)
        assert (await home.engine.inspect(long)).status == "running"
        bench.gate.set()
        assert result(await ended(home, long)) == "x"


async def test_a_long_action_lives_by_its_signs_of_life() -> None:
    bench = Bench()

    async def act(argument: bytes, context: ActionContext) -> bytes:
        services = context.services
        assert services is not None
        for step in range(30):
            await asyncio.sleep(0.01)
            (services.heartbeat if step % 2 else lambda: services.progress(0.5, "half"))()
        return await bench.wait(argument, context)

    flows = registry(one("idleTimeout: 100ms", outputs=CATCH), act=Does("act", act, "long_run"))
    async with house(flows) as home:
        run = await start(home)
        await until(lambda: bool(bench.calls))
        assert result(await ended(home, run)) == "failed timeout", "silence ends it"
        (row,) = [row for row in await rows(home, run) if row.path == "step"]
        assert row.error is not None
        assert "sign of life" in row.error.message


async def test_silence_after_five_minutes_is_no_end_of_the_step() -> None:
    bench = Bench()
    settings = "idleTimeout: 20ms, retry: {count: 1, delay: 0}"
    flows = registry(one(settings), act=Does("act", bench.first_waits, "long_run"))
    async with house(flows) as home:
        run = await start(home)
        await until(lambda: bool(bench.calls))
        home.clock.advance(minutes=6)  # type: ignore[attr-defined]  # because it is a fake one
        assert result(await ended(home, run)) == "x"


async def test_signs_of_life_may_come_from_a_thread() -> None:
    seen: list[float | None] = []

    @action(name="act", kind="long_run")
    def act(what: str, context: ActionContext) -> str:
        assert context.services is not None
        for _ in range(5):
            threading.Event().wait(0.02)
            context.services.progress(0.5)
            context.services.heartbeat()
        return what

    async with house(registry(one("idleTimeout: 80ms"), act=act)) as home:
        run = await start(home)
        with home.process.watchers.watch(run) as news:
            assert result(await ended(home, run)) == "x"
            while not news.empty():
                seen.append(news.get_nowait().done)
        assert 0.5 in seen


async def test_polling_is_not_bounded_by_five_minutes() -> None:
    calls: list[int] = []

    def look(argument: bytes, context: ActionContext) -> bytes:
        calls.append(context.attempt)
        return b"true" if len(calls) > 9 else b"false"

    document = """
flow: one
start: step
steps:
  step: {kind: event, poll: {action: look, interval: 60s}, match: "event", outputs: [{to: done}]}
  done: {kind: end, output: found}
"""
    async with house(registry(document, look=look)) as home:
        run = await start(home)
        for _ in range(12):
            await home.wait(minutes=1)
        assert result(await home.engine.inspect(run)) == "found"
        assert len(calls) == 10


async def test_an_attempt_that_waits_for_its_place_past_the_time_of_its_step_fails_without_having_begun() -> None:
    bench = Bench()
    document = one("concurrency: 1, timeout: 1m", outputs=CATCH)
    async with house(registry(document, act=bench.wait)) as home:
        first, second = await start(home), await start(home)
        await until(lambda: bool(bench.calls))
        home.clock.advance(minutes=2)  # type: ignore[attr-defined]  # because it is a fake one
        assert result(await ended(home, second)) == "failed timeout"
        bench.gate.set()
        assert result(await ended(home, first)) == "x"
        assert len(bench.calls) == 1


async def test_workers_survive_a_hundred_actions_that_are_ended() -> None:
    bench = Bench()
    async with house(registry(one("timeout: 20ms", outputs=CATCH), act=bench.wait)) as home:
        runs = [await start(home) for _ in range(100)]
        assert {result(await ended(home, run)) for run in runs} == {"failed timeout"}
        assert no_cancellation_left(home)
        bench.gate.set()
        assert result(await ended(home, await start(home))) == "x"
        await home.verify()


# --- the stop -----------------------------------------------------------------------------------------------------------


@STORES
@pytest.mark.parametrize("how", ["wait", "deaf"])
async def test_an_orderly_stop_ends_although_an_action_hangs_and_gives_the_leases_back(
    tmp_path: Path, name: str, how: str
) -> None:
    bench, store = Bench(), stores(tmp_path)[name]
    async with house(registry(one(), act=getattr(bench, how)), store) as home:
        run = await start(home)
        await until(lambda: bool(bench.calls))
    after = Bench()
    after.gate.set()
    async with house(registry(one(), act=after.wait), store, clock=home.clock) as again:
        assert not again.process.counts_attempts, "the leases were given back"
        assert result(await ended(again, run)) == "x", "the next start takes it up"
        assert after.calls[0].key == bench.calls[0].key
        assert after.calls[0].attempt == bench.calls[0].attempt == 1
        bench.gate.set()
        await asyncio.sleep(0.01)
        await again.verify()


# --- number -------------------------------------------------------------------------------------------------------------

MANY = """
flow: many
start: all
steps:
  step: {action: act, input: "${item}", settings: {%s}}
groups:
  all: {kind: loop, over: "${input.items}", steps: [step], limit: 10000}
"""


async def test_sixty_four_actions_are_under_way_at_once_and_a_thousand_wait() -> None:
    bench = Bench()
    async with house(registry(MANY % "", act=bench.wait)) as home:
        run = await start(home, "many", items=list(range(1000)))
        await until(lambda: bench.now == slots.AT_ONCE)
        await asyncio.sleep(0.02)
        assert bench.most == slots.AT_ONCE
        assert len(home.process.works) == 1000
        bench.gate.set()
        assert result(await ended(home, run)) == list(range(1000))
        assert bench.most == slots.AT_ONCE
        assert len(bench.calls) == 1000
        await home.verify()


async def test_a_step_has_as_many_under_way_as_it_allows_itself() -> None:
    bench = Bench()

    async def act(argument: bytes, context: ActionContext) -> bytes:
        bench.gate.set()
        bench.now += 1
        bench.most = max(bench.most, bench.now)
        await asyncio.sleep(0.001)
        bench.now -= 1
        return argument

    async with house(registry(MANY % "concurrency: 3", act=act)) as home:
        runs = [await start(home, "many", items=list(range(40))) for _ in range(3)]
        for run in runs:
            assert result(await ended(home, run)) == list(range(40))
        assert bench.most == 3, "over all runs of the process"


async def test_a_waiting_step_of_another_flow_gets_its_turn() -> None:
    begun: list[str] = []
    gates: list[asyncio.Event] = []

    async def act(argument: bytes, context: ActionContext) -> bytes:
        begun.append(context.step)
        gate = asyncio.Event()
        gates.append(gate)
        await gate.wait()
        return argument

    other = """
flow: other
start: other
steps:
  other: {action: act}
"""
    async with house(registry(MANY % "", other, act=act)) as home:
        await start(home, "many", items=list(range(1000)))
        await until(lambda: len(begun) == slots.AT_ONCE)
        await start(home, "other")
        await home.engine.settled()
        for gate in gates[:2]:
            gate.set()
        await until(lambda: "other" in begun)
        assert len(begun) <= slots.AT_ONCE + 2
        while gates:
            gates.pop().set()
            await asyncio.sleep(0)
        await asyncio.sleep(0)


@STORES
async def test_an_action_that_waits_is_not_begun_once_its_run_is_cancelled(tmp_path: Path, name: str) -> None:
    bench = Bench()
    async with house(registry(one("concurrency: 1"), act=bench.wait), stores(tmp_path)[name]) as home:
        first = await start(home)
        others = [await start(home) for _ in range(20)]
        await until(lambda: bool(bench.calls))
        for run in others:
            await home.engine.cancel(run)
        assert len(home.process.works) == 1
        bench.gate.set()
        assert result(await ended(home, first)) == "x"
        assert len(bench.calls) == 1
        await home.rest()
        await home.verify()


async def test_a_cancelled_parent_ends_the_actions_of_its_children() -> None:
    bench = Bench()
    parent = """
flow: parent
start: child
steps:
  child: {flow: one, outputs: [{to: done}]}
  done: {kind: end}
"""
    async with house(registry(parent, one(), act=bench.wait)) as home:
        run = await start(home, "parent")
        await until(lambda: bool(bench.calls))
        await home.engine.cancel(run)
        await home.rest()
        assert bench.ended == ["cancelled"]
        assert {state.status for state in await home.runs()} == {"cancelled"}
        await home.verify()


# --- repetition ---------------------------------------------------------------------------------------------------------


@STORES
async def test_an_action_under_way_at_a_kill_is_repeated_under_the_same_key(tmp_path: Path, name: str) -> None:
    bench, store = Bench(), stores(tmp_path)[name]
    async with house(registry(one(), act=bench.wait), store) as home:
        run = await start(home)
        await until(lambda: bool(bench.calls))
        await kill(home)
    bench.gate.set()
    async with house(registry(one(), act=bench.wait), store, clock=home.clock) as again:
        assert result(await ended(again, run)) == "x"
        assert len(bench.calls) == 2
        assert bench.calls[0].key == bench.calls[1].key
        await again.verify()


@STORES
async def test_an_action_that_may_run_once_is_not_repeated_when_it_is_unknown_whether_it_ran(
    tmp_path: Path, name: str
) -> None:
    bench, store = Bench(), stores(tmp_path)[name]
    flows = registry(one("atMostOnce: true, retry: {count: 3, delay: 0}", outputs=CATCH), act=bench.wait)
    async with house(flows, store) as home:
        run = await start(home)
        await until(lambda: bool(bench.calls))
        await kill(home)
    bench.gate.set()
    async with house(flows, store, clock=home.clock) as again:
        assert result(await ended(again, run)) == "failed outcome_unknown"
        assert len(bench.calls) == 1
        (row,) = [row for row in await rows(again, run) if row.path == "step"]
        assert row.error is not None
        assert (row.status, row.error.code) == ("failed", "outcome_unknown")
        await again.verify()


async def test_an_action_that_may_run_once_runs_once_where_nothing_goes_wrong_and_is_retried_where_it_says_so() -> None:
    calls: list[int] = []

    def act(argument: bytes, context: ActionContext) -> bytes:
        calls.append(context.attempt)
        if context.attempt == 1:
            raise UserCodeError("busy", "not now")
        return argument

    async with house(registry(one("atMostOnce: true, retry: {count: 1, delay: 0}"), act=act)) as home:
        assert result(await ended(home, await start(home))) == "x"
        assert calls == [1, 2], "that it failed is known"


class AwayOnce(MemoryStore):
    """A store with a defect: the commit of an action's result fails, so often."""

    fails = 0

    async def commit(self, commits):  # type: ignore[no-untyped-def]  # because it takes what its base takes
        if self.fails and any(commit.results for commit in commits):
            self.fails -= 1
            raise ValueError("a defect")
        return await super().commit(commits)


async def test_a_result_that_could_not_be_written_is_written_later_and_the_action_not_repeated() -> None:
    bench, store = Bench(), AwayOnce()
    async with house(registry(one("atMostOnce: true", outputs=CATCH), act=bench.wait), store) as home:
        run = await start(home)
        await until(lambda: bool(bench.calls))
        store.fails = 2
        bench.gate.set()
        assert result(await ended(home, run)) == "x"
        assert len(bench.calls) == 1
        await home.verify()
