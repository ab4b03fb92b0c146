"""The orderly stop: what was accepted is finished or kept, leases are given back, and the next start is clean."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.faults.driving import FLOWS
from tests.faults.house import house, stores
from tests.faults.test_deliveries import heaps
from turnflow import open_engine
from turnflow.errors import EngineStopped
from turnflow.ports import PARTITIONS, Handled
from turnflow.testing.bot import RecordedBot
from turnflow.testing.clock import FakeClock

STORES = pytest.mark.parametrize("name", ["memory", "sqlite"])


@STORES
async def test_a_stop_in_the_middle_of_everything_leaves_all_promises_kept(tmp_path: Path, name: str) -> None:
    store = stores(tmp_path)[name]
    chats = [str(chat) for chat in range(40)]
    outcomes: list[object] = []
    async with house(heaps(), store) as home:
        deliveries = [home.text(line, chat=chat) for line in ("/heap", "one", "two") for chat in chats]
        talkers = [asyncio.ensure_future(home.send(inbound, rest=False)) for inbound in deliveries]  # noqa: TID251 - they outlive the house
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*talkers, return_exceptions=True)
    assert all(isinstance(outcome, Handled | EngineStopped) for outcome in outcomes), outcomes
    async with house(heaps(), store, clock=home.clock, bot=home.bot) as again:
        assert not again.process.counts_attempts, "the next start has nobody to suspect"
        again.consumed += home.consumed
        for inbound, outcome in zip(deliveries, outcomes, strict=True):
            if isinstance(outcome, EngineStopped):
                await again.send(inbound, rest=False)
        await again.rest()
        assert len(await again.runs()) == len(chats)
        (await again.verify()).demand(runs=40, inputs=120)
        assert again.bot.copies() == 0


@STORES
async def test_the_next_process_need_not_wait_for_the_leases(tmp_path: Path, name: str) -> None:
    store = stores(tmp_path)[name]
    async with house(heaps(), store):
        pass
    began = time.monotonic()
    async with house(heaps(), store) as again:
        assert time.monotonic() - began < 5
        assert len(again.process.leases.epochs) == PARTITIONS
        assert set(again.process.leases.epochs.values()) == {2}


async def test_input_after_the_stop_has_begun_is_refused_with_the_remedy() -> None:
    async with house(heaps()) as home:
        engine, inbound = home.engine, home.text("/heap")
    with pytest.raises(EngineStopped, match="same id"):
        await engine.deliver(inbound)
    with pytest.raises(EngineStopped, match="same id"):
        await engine.accept(inbound)


async def test_a_stop_does_not_wait_for_replies_that_cannot_be_sent_now(tmp_path: Path) -> None:
    async with house(FLOWS, ledger=tmp_path / "deeds") as home:
        home.bot.fail(ConnectionError("away"), times=3)
        await home.say("/signup")
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert isinstance(home.clock, FakeClock)
    store, bot = home.store, home.bot
    home.clock.advance(minutes=10)
    async with house(FLOWS, store, clock=home.clock, bot=bot, ledger=tmp_path / "deeds") as again:
        for _ in range(3):
            await again.wait(minutes=2)
        assert again.texts() == ["Name?"]
        await again.verify()


async def test_an_exception_in_the_host_program_stops_the_engine_in_good_order(tmp_path: Path) -> None:
    store, clock, bot = stores(tmp_path)["sqlite"], FakeClock(), RecordedBot("t:")

    async def host() -> None:
        async with house(heaps(), store, clock=clock, bot=bot) as home:
            await home.say("/heap")
            await home.send(home.text("one"), rest=False, door="accept")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await host()
    async with house(heaps(), store, clock=clock, bot=bot) as again:
        assert not again.process.counts_attempts
        await again.verify()


async def test_a_hundred_starts_and_stops_change_nothing(tmp_path: Path) -> None:
    store, clock, bot = stores(tmp_path)["memory"], FakeClock(), RecordedBot("t:")
    async with house(heaps(), store, clock=clock, bot=bot) as home:
        await home.say("/heap")
        before = await home.run()
    for _ in range(100):
        async with open_engine(heaps(), store=store, clock=clock) as engine:
            engine.connect(bot)
    async with house(heaps(), store, clock=clock, bot=bot) as again:
        assert await again.run() == before
        assert bot.copies() == 0
        await again.verify()
