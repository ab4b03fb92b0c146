"""Slow handlers: out of the way of everything else, bounded, and made again after a kill."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum

import msgspec
import pytest

from tests.faults.house import House, house, move
from turnflow import Directive, Failure, Flow, Registry, Turn, any_text, command, minutes, seconds
from turnflow.engine import executions, process
from turnflow.ports import Commit, CommitOutcome, Handled
from turnflow.stores import MemoryStore


class Step(StrEnum):
    ASK = "ask"
    NEXT = "next"


class Work(msgspec.Struct):
    done: list[str] = msgspec.field(default_factory=list)


class Bench:
    """Where slow handlers wait until they are let go."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.calls = 0
        self.ended: list[str] = []


def slow(bench: Bench, *, limit: timedelta | None = None) -> Registry:
    flow = Flow("slow", steps=Step, data=Work)

    @flow.step(Step.ASK, ask="What?", handler_timeout=limit)
    async def ask(turn: Turn[Step, Work], answer: str) -> Directive:
        bench.calls += 1
        try:
            await bench.gate.wait()
        except asyncio.CancelledError:
            bench.ended.append(answer)
            raise
        turn.data.done.append(answer)
        return turn.next(Step.NEXT)

    @flow.step(Step.NEXT, ask="Next?", timeout=minutes(10), on_timeout="cancel")
    async def following(turn: Turn[Step, Work], answer: str) -> Directive:
        turn.data.done.append(answer)
        return turn.repeat()

    @flow.on_error
    async def failed(turn: Turn[Step, Work], error: Failure) -> Directive:
        turn.say(f"failed: {error.code}")
        return turn.goto(Step.NEXT)

    quick = Flow("quick", steps=Step)

    @quick.step(Step.ASK, ask="Quick?", to=[Step.NEXT])
    async def at_once(turn: Turn[Step, None], answer: str) -> Directive:
        return turn.next(Step.NEXT)

    @quick.step(Step.NEXT, ask="And?", timeout=minutes(1), on_timeout="cancel")
    async def also(turn: Turn[Step, None], answer: str) -> Directive:
        return turn.complete()

    flows = Registry()
    flows.register(flow, on=[command("slow")])
    flows.register(quick, on=[command("quick"), any_text()])
    return flows


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is a moment here."""
    monkeypatch.setattr(executions, "DETACH_AFTER", 0.03)
    monkeypatch.setattr(process, "LOOK_ROUND", 0.01)
    monkeypatch.setattr(process, "STOP_WITHIN", 0.1)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


async def begin(home: House, text: str = "work", *, by: str = "ann") -> None:
    """Hand in what is answered slowly; it is acknowledged once it is out of the way."""
    assert isinstance(await home.send(home.text(text, by=by), rest=False), Handled)


async def test_a_slow_handler_does_not_hold_up_cancel_timers_or_other_runs() -> None:
    bench = Bench()
    async with house(slow(bench)) as home:
        await home.say("/quick", by="bob")
        await home.say("go", by="bob")
        await home.say("/slow")
        await begin(home)
        assert bench.calls == 1
        await home.send(home.text("/quick", by="eve"), rest=False)
        await home.send(home.text("on", by="eve"), rest=False)
        move(home, minutes=2)
        await until(
            lambda: (
                home.texts().count("This took too long, so I have stopped here. Start again whenever you like.") == 2
            )
        )
        await home.send(home.text("/cancel"), rest=False)
        await until(lambda: "Cancelled." in home.texts())
        assert [state.status for state in await home.runs("slow")] == ["cancelled"]
        await until(lambda: bench.ended == ["work"])
        await home.verify()


async def test_what_comes_while_a_handler_is_at_work_waits_for_it_and_keeps_its_order() -> None:
    bench = Bench()
    async with house(slow(bench)) as home:
        await home.say("/slow")
        await begin(home, "one")
        for word in ("two", "three"):
            await home.send(home.text(word), rest=False)
        bench.gate.set()
        await home.rest()
        assert await work_of(home) == ["one", "two", "three"]
        await home.verify()


async def work_of(home: House) -> list[str]:
    return msgspec.json.decode((await home.run("slow")).data["done"], type=list[str])


async def test_a_handler_over_its_time_is_a_timeout_failure() -> None:
    bench = Bench()
    async with house(slow(bench, limit=seconds(0.1))) as home:
        await home.say("/slow")
        await begin(home)
        await home.rest()
        assert home.texts()[-2:] == ["failed: timeout", "Next?"]
        assert bench.ended == ["work"]
        await home.verify()


async def test_a_slow_handler_is_made_again_after_an_orderly_stop() -> None:
    bench, store = Bench(), MemoryStore()
    async with house(slow(bench), store) as home:
        await home.say("/slow")
        await begin(home)
        assert (await home.run("slow")).status == "running"
    assert bench.ended == ["work"]
    bench.gate.set()
    async with house(slow(bench), store, clock=home.clock, bot=home.bot) as again:
        again.consumed = home.consumed
        await again.rest()
        assert bench.calls == 2
        assert await work_of(again) == ["work"]
        await again.verify()


async def test_a_handler_made_again_that_is_slow_again_is_made_once_at_a_time() -> None:
    bench, store = Bench(), MemoryStore()
    async with house(slow(bench), store) as home:
        await home.say("/slow")
        await begin(home)
    async with house(slow(bench), store, clock=home.clock, bot=home.bot, hurry=True) as again:
        await until(lambda: len(again.process.executions) == 1)
        await asyncio.sleep(0.1)  # it is out of the way by now
        for word in ("a", "b"):
            await again.send(again.text(word), rest=False)
        again.process.wake(next(iter(again.process.hot)))
        await again.wait_polls()
        assert len(again.process.executions) == 1
        assert bench.calls == 2
        bench.gate.set()
        again.consumed += home.consumed
        await again.rest()
        assert await work_of(again) == ["work", "a", "b"]
        await again.verify()


async def test_a_call_that_comes_next_after_a_slow_one_is_made_once() -> None:
    """The mailbox has more to do than the slow call: what it owes besides is taken up as an item of its own, once."""
    bench, store = Bench(), MemoryStore()
    async with house(slow(bench), store) as home:
        await home.say("/slow")
        await begin(home)
        await home.send(home.text("/slow", by="bob"), rest=False)
        await begin(home, "other", by="bob")
        for _ in range(5):
            home.process.wake(next(iter(home.process.hot)))
            await asyncio.sleep(0.02)
        assert bench.calls == 2
        bench.gate.set()
        await home.rest()
        assert bench.calls == 2
        await home.verify()


class Fork(StrEnum):
    START = "start"
    LEFT = "left"
    RIGHT = "right"
    JOIN = "join"


def forked(bench: Bench) -> Registry:
    """A nest whose two children both have something slow to do when they are cancelled."""
    child = Flow("child", steps=Step)

    @child.step(Step.ASK, ask="Child?", to=[Step.NEXT])
    async def ask(turn: Turn[Step, None], answer: str) -> Directive:
        return turn.next(Step.NEXT)

    @child.step(Step.NEXT)
    async def end(turn: Turn[Step, None]) -> Directive:
        return turn.complete()

    @child.on_exit
    async def tidy(turn: Turn[Step, None]) -> None:
        bench.calls += 1
        await bench.gate.wait()
        bench.ended.append(str(turn.run.id))

    parent = Flow("parent", steps=Fork)
    parent.parallel(start=Fork.START, steps=[Fork.LEFT, Fork.RIGHT], join=Fork.JOIN)

    @parent.step(Fork.LEFT)
    async def left(turn: Turn[Fork, None]) -> Directive:
        return turn.call(child, then=Fork.JOIN)

    @parent.step(Fork.RIGHT)
    async def right(turn: Turn[Fork, None]) -> Directive:
        return turn.call(child, then=Fork.JOIN)

    @parent.step(Fork.JOIN)
    async def join(turn: Turn[Fork, None]) -> Directive:
        return turn.complete()

    flows = Registry()
    flows.register(parent, on=[command("fork")])
    flows.register_callable(child)
    return flows


async def test_two_slow_calls_of_one_turn_are_each_made_once() -> None:
    bench = Bench()
    async with house(forked(bench)) as home:
        await home.say("/fork")
        assert len(await home.runs("child")) == 2
        await home.send(home.text("/cancel"), rest=False)
        await until(lambda: bench.calls == 2)
        await asyncio.sleep(0.1)  # both are out of the way
        for _ in range(5):
            home.process.wake(next(iter(home.process.hot)))
            await asyncio.sleep(0.02)
        assert bench.calls == 2
        bench.gate.set()
        await home.rest()
        assert len(bench.ended) == len(set(bench.ended)) == 2
        assert {state.status for state in await home.runs()} == {"cancelled"}
        await home.verify()


async def test_a_call_interrupted_again_after_its_run_was_blocked_is_made_again() -> None:
    bench, store = Bench(), MemoryStore()
    other = forked(bench)
    async with house(slow(bench), store) as home:
        await home.say("/slow")
        await begin(home)
    clock, bot = home.clock, home.bot
    async with house(slow(bench), store, clock=clock, bot=bot, hurry=True) as home:
        await until(lambda: bench.calls == 2)
        await asyncio.sleep(0.1)
    async with house(other, store, clock=clock, bot=bot) as home:
        assert (await home.run("slow")).status == "blocked"
    async with house(slow(bench), store, clock=clock, bot=bot, hurry=True) as home:
        await until(lambda: bench.calls == 3)
        await asyncio.sleep(0.1)
    bench.gate.set()
    async with house(slow(bench), store, clock=clock, bot=bot) as home:
        await home.rest()
        assert bench.calls == 4
        assert await work_of(home) == ["work"]
        await home.verify()


def delegating(bench: Bench) -> Registry:
    """A slow handler that starts something in the background."""
    errand = Flow("errand", steps=Step)

    @errand.step(Step.ASK)
    async def go(turn: Turn[Step, None]) -> Directive:
        bench.ended.append("errand")
        return turn.complete()

    @errand.step(Step.NEXT)
    async def never(turn: Turn[Step, None]) -> Directive:
        return turn.complete()

    boss = Flow("boss", steps=Step)

    @boss.step(Step.ASK, ask="What?", to=[Step.NEXT])
    async def ask(turn: Turn[Step, None], answer: str) -> Directive:
        bench.calls += 1
        await bench.gate.wait()
        await turn.start(errand)
        return turn.next(Step.NEXT)

    @boss.step(Step.NEXT, ask="Next?")
    async def following(turn: Turn[Step, None], answer: str) -> Directive:
        return turn.complete()

    flows = Registry()
    flows.register(boss, on=[command("boss")])
    flows.register_callable(errand)
    return flows


class OneAtATime(MemoryStore):
    """Makes one commit durable and then no other, as a store that goes away does."""

    stops_after = -1

    async def commit(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        done: list[CommitOutcome] = []
        for commit in commits:
            if self.stops_after == 0:
                await asyncio.Event().wait()
            done += await super().commit([commit])
            if self.stops_after > 0 and (commit.runs or commit.forwards or commit.received):
                self.stops_after -= 1
        return done


@pytest.mark.parametrize("stops_after", [1, 2, 3])
async def test_what_a_slow_handler_started_begins_with_its_answer_or_not_at_all(stops_after: int) -> None:
    bench, store = Bench(), OneAtATime()
    async with house(delegating(bench), store) as home:
        await home.say("/boss")
        await begin(home)
        store.stops_after = stops_after
        bench.gate.set()
        await asyncio.sleep(0.2)
        await home.process.abandon()
        store.stops_after = -1
    await store.renew(home.process.leases.holder, 0)
    async with house(delegating(bench), store, clock=home.clock, bot=home.bot) as again:
        await again.rest()
        assert [state.status for state in await again.runs("errand")] == ["completed"]
        assert home.texts()[-1] == "Next?"
        await again.verify()


async def test_a_call_made_again_that_nobody_wants_any_more_leaves_nothing_behind() -> None:
    bench, store = Bench(), MemoryStore()
    async with house(slow(bench), store) as home:
        await home.say("/slow")
        await begin(home)
    async with house(slow(bench), store, clock=home.clock, bot=home.bot, hurry=True) as again:
        await until(lambda: bench.calls == 2)
        await asyncio.sleep(0.1)  # it is out of the way by now
        await again.send(again.text("/cancel"), rest=False)
        await until(lambda: len(bench.ended) == 2)
        await again.rest()
        assert (await again.run("slow")).status == "cancelled"
        again.consumed += home.consumed
        await again.verify()
