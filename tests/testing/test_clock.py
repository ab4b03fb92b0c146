"""The clock that tests move."""

from __future__ import annotations

import asyncio

from turnflow.testing import FakeClock


async def test_it_stands_still_until_it_is_moved() -> None:
    clock = FakeClock(1000)
    await asyncio.sleep(0.01)
    assert clock.now() == 1000
    clock.advance(hours=1, milliseconds=5)
    assert clock.now() == 3_601_005


async def test_sleepers_wake_in_the_order_of_their_times_and_not_before() -> None:
    clock = FakeClock(0)
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name, seconds in (("late", 20), ("early", 10), ("now", 0)):
            tasks.create_task(sleeper(name, seconds))
        await asyncio.sleep(0.001)
        clock.advance(seconds=9.999)
        await asyncio.sleep(0.001)
        assert woken == ["now"]
        clock.advance(days=1)
    assert woken == ["now", "early", "late"]
