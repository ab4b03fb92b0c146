"""H2 and H4. Tasks are started once, waited for and watched; nothing of what happens is missed or told twice."""

from __future__ import annotations

import asyncio

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.workshop import TEA, Workshop, changes, kept
from turnflow.core.ids import RunId
from turnflow.engine import Change, cursor_of
from turnflow.errors import InvalidValue, UnknownRun


@pytest.fixture
def shop() -> Workshop:
    return Workshop()


async def test_h2_starting_returns_the_id_while_the_work_is_still_to_be_done(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        shop.hold("price")
        id = await play.engine.start("order", TEA)
        assert (await play.engine.tasks.get(id)).status == "running"
        assert shop.done == {}
        shop.let_go("price")
        assert (await play.engine.tasks.wait(id)).status == "completed"


async def test_h2_whoever_waits_gets_the_task_at_its_end_or_as_it_is_when_the_time_is_over(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        shop.hold("pay")
        id = await play.engine.start("order", TEA)
        assert (await play.engine.tasks.wait(id, timeout=0.01)).status == "running"
        waiting = asyncio.gather(*(play.engine.tasks.wait(id) for _ in range(3)))
        await shop.reached("pay")
        shop.let_go("pay")
        assert [task.output for task in await waiting] == [{"shipped": "parcel", "discount": 0}] * 3


async def test_h2_changes_tell_the_life_of_a_task_in_order(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        found = await changes(play.engine.tasks, await play.engine.start("order", TEA))
        told = [(change.step.path, change.step.status) for change in found if change.step is not None]
        assert told == [(path, status) for path in ("price", "pay", "ship") for status in ("running", "completed")]
        assert [change.status for change in found if change.kind in ("created", "status")] == [
            "created", "running", "completed",
        ]  # fmt: skip
        assert [change.cursor for change in found] == sorted({change.cursor for change in found})


async def test_h2_whoever_reconnects_at_any_cursor_misses_nothing_and_sees_nothing_twice(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        shop.breaks("ship")
        id = await play.engine.start("order", TEA)
        whole = kept(await changes(play.engine.tasks, id))
        assert len(whole) > 8
        for place, change in enumerate(whole):
            assert kept(await changes(play.engine.tasks, id, str(change.cursor))) == whole[place + 1 :]


async def test_h2_a_watcher_that_reconnects_after_a_restart_goes_on_where_it_was(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("nap")
        before: list[Change] = []
        async for change in play.engine.tasks.watch(id):
            before.append(change)
            if change.status == "waiting":
                break
        await play.restart()
        await play.clock(hours=1)
        after = await changes(play.engine.tasks, id, str(before[-1].cursor))
        assert before + kept(after) == kept(await changes(play.engine.tasks, id))
        assert after[-1].status == "completed"


async def test_h2_those_who_watch_live_see_the_same_and_news_of_work_under_way(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        shop.hold("order")
        shop.hold("print")
        id = await play.engine.start("shop")
        live: list[Change] = []
        async for change in play.engine.tasks.watch(id):
            live.append(change)
            if change.step is not None and change.step.path == "order" and change.step.status == "waiting":
                shop.let_go("order")
            if change.kind == "progress":
                shop.let_go("print")
        assert kept(live) == await changes(play.engine.tasks, id)


async def test_h2_the_end_of_a_task_is_published(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("order", TEA)
        await play.engine.tasks.wait(id)
        [event] = await play.store.events("flow.order.completed", id, 0, 10)
        assert id in event.payload.decode()


async def test_h4_the_same_key_gives_the_same_task(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        first = await play.engine.start("order", TEA, key="7")
        await play.restart()
        again = await asyncio.gather(*(play.engine.start("order", TEA, key="7") for _ in range(3)))
        other = await play.engine.start("order", TEA, key="8")
        assert set(again) == {first}
        assert other != first
        for id in (first, other):
            await play.engine.tasks.wait(id)
        assert shop.done["pay"] == 2


async def test_h2_a_cursor_is_what_was_handed_out_or_the_start() -> None:
    assert str(cursor_of("12.3")) == "12.3"
    assert cursor_of("") < cursor_of("0.1") < cursor_of("9.10") < cursor_of("10.1")
    for text in ("12", "a.b", "1.2.3", "-1.2"):
        with pytest.raises(InvalidValue, match="is no cursor"):
            cursor_of(text)


async def test_h2_a_task_that_is_not_there_cannot_be_waited_for_or_watched(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        with pytest.raises(UnknownRun):
            await play.engine.tasks.wait(RunId("nobody"))
        with pytest.raises(UnknownRun):
            await changes(play.engine.tasks, "nobody")
