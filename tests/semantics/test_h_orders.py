"""H3. What tasks can be told: to end, to stand still, to go on, elsewhere too, and to begin a copy."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import party
from tests.semantics.workshop import TEA, Workshop, changes, kept, shape, steps_of, until
from turnflow.core.events import InputSetAside
from turnflow.core.ids import InputId
from turnflow.engine import Tasks, tasks_beside
from turnflow.engine.doors import StoreDoor
from turnflow.engine.payloads import ForRun
from turnflow.errors import CallerError


@pytest.fixture
def shop() -> Workshop:
    return Workshop()


async def test_h3_cancelling_ends_a_task_and_all_below_it(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        shop.hold("pay")
        id = await play.engine.start("shop")
        await shop.reached("pay")
        await play.engine.tasks.cancel(id, by="ada", reason="too dear")
        task = await play.engine.tasks.wait(id)
        assert (task.status, task.reason, task.by) == ("cancelled", "too dear", "ada")
        assert shape(await play.engine.tasks.tree(id)) == ("shop", "cancelled", [("An order", "cancelled", [])])
        await play.engine.tasks.cancel(id, by="bob")
        assert (await play.engine.tasks.get(id)).by == "ada"


async def test_h3_a_paused_task_stands_still_with_its_timers_and_goes_on_with_the_time_that_was_left(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("nap")
        await play.clock(minutes=20)
        await play.engine.tasks.pause(id, by="ada")
        await play.restart()
        await play.clock(hours=5)
        assert (await play.engine.tasks.get(id)).status == "paused"
        await play.engine.tasks.resume(id, by="ada")
        await play.clock(minutes=39)
        assert (await play.engine.tasks.get(id)).status == "waiting"
        await play.clock(minutes=1)
        assert (await play.engine.tasks.wait(id)).status == "completed"


async def test_h3_what_a_paused_task_had_under_way_is_kept_and_what_is_below_it_stands_still_too(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        shop.hold("price")
        id = await play.engine.start("shop")
        await shop.reached("price")
        await play.engine.tasks.pause(id, by="ada")
        shop.let_go("price")
        await play.settle()
        [child] = (await play.engine.tasks.get(id)).children
        assert (await play.engine.tasks.get(child)).status == "paused"
        assert "pay" not in shop.done
        await play.engine.tasks.resume(id, by="ada")
        assert (await play.engine.tasks.wait(id)).status == "completed"
        assert shop.done["price"] == 1


async def test_h3_a_failed_task_goes_on_where_it_failed_and_does_nothing_twice(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        shop.breaks("ship")
        id = await play.engine.start("order", TEA)
        await play.engine.tasks.wait(id)
        shop.mend("ship")
        await play.restart()
        await play.engine.tasks.retry(id, by="ada")
        assert (await play.engine.tasks.wait(id)).status == "completed"
        assert shop.done == {"price": 1, "pay": 1, "ship": 1}


async def test_h3_resume_takes_up_a_failed_task_and_one_that_failed_below(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        shop.breaks("ship")
        id = await play.engine.start("shop")
        assert (await play.engine.tasks.wait(id)).status == "failed"
        shop.mend("ship")
        await play.engine.tasks.resume(id, by="ada")
        assert (await play.engine.tasks.wait(id)).status == "completed"
        assert shop.done == {"price": 1, "pay": 1, "ship": 1, "print": 1}


async def test_h3_a_failed_task_goes_on_at_a_chosen_step(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        shop.breaks("ship")
        id = await play.engine.start("order", TEA)
        await play.engine.tasks.wait(id)
        shop.mend("ship")
        await play.engine.tasks.retry(id, "pay", by="ada")
        assert (await play.engine.tasks.wait(id)).status == "completed"
        assert shop.done == {"price": 1, "pay": 2, "ship": 1}


async def test_h3_a_stuck_task_goes_on_when_it_is_retried(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("nap")
        state = await play.engine.inspect(id)
        door = StoreDoor(play.store, play.fake_clock)
        aside = ForRun(state.run, InputSetAside(play.fake_clock.now(), "it ended the process"))
        await play.tell(state.mailbox, lambda: door.put(state.mailbox, aside, InputId("aside")))
        task = await play.engine.tasks.get(id)
        assert (task.status, task.reason) == ("stuck", "it ended the process")
        await play.engine.tasks.resume(id, by="ada")
        await play.clock(hours=1)
        assert (await play.engine.tasks.wait(id)).status == "completed"


async def test_h3_a_blocked_task_tells_why_and_goes_on_by_itself(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(party()) as play:
        await play.say("/start")
        [started] = await play.engine.tasks.list()
        await play.deploy(shop.registry())
        await play.say("Ada")
        task = await play.engine.tasks.get(started.id)
        assert (task.status, task.title) == ("blocked", "party")
        assert "not registered" in task.reason
        with pytest.raises(CallerError, match="it goes on by itself"):
            await play.engine.tasks.retry(task.id, by="ada")
        await play.deploy(party())
        assert (await play.engine.tasks.get(task.id)).status == "waiting"
        assert steps_of(await play.engine.tasks.get(task.id)) == {"name": "completed", "city": "waiting"}


async def test_h3_a_task_is_moved_to_a_step_and_what_it_did_is_cancelled(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        shop.hold("pay")
        id = await play.engine.start("order", TEA)
        await shop.reached("pay")
        await play.engine.tasks.move(id, "price", by="ada")
        await until(play.engine.tasks, id, lambda _: shop.done["price"] == 2)
        shop.let_go("pay")
        assert (await play.engine.tasks.wait(id)).status == "completed"
        assert shop.done["pay"] == 1


async def test_h3_a_copy_goes_on_at_a_step_with_what_came_before_and_the_original_is_not_touched(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("order", TEA, params={"discount": 2})
        before = await play.engine.tasks.wait(id)
        copy = await play.engine.tasks.fork(id, "ship", by="ada")
        task = await play.engine.tasks.wait(copy)
        assert copy != id
        assert (task.status, task.output) == ("completed", {"shipped": "parcel", "discount": 2})
        assert (task.parent, task.root, task.input) == ("", copy, before.input)
        assert shop.done == {"price": 1, "pay": 1, "ship": 2}
        assert await play.engine.tasks.get(id) == before
        assert steps_of(task) == steps_of(before)


async def test_h3_a_copy_does_not_know_what_came_after_its_step(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("order", TEA)
        await play.engine.tasks.wait(id)
        shop.breaks("pay")
        copy = await play.engine.tasks.fork(id, "pay", by="ada")
        assert steps_of(await play.engine.tasks.wait(copy)) == {"price": "completed", "pay": "failed"}


async def test_h3_a_copy_of_a_failed_task_goes_on_where_that_failed(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        shop.breaks("ship")
        id = await play.engine.start("order", TEA)
        await play.engine.tasks.wait(id)
        shop.mend("ship")
        copy = await play.engine.tasks.fork(id, by="ada")
        assert (await play.engine.tasks.wait(copy)).status == "completed"
        assert (await play.engine.tasks.get(id)).status == "failed"
        assert shop.done == {"price": 1, "pay": 1, "ship": 1}


async def test_h3_a_copy_of_a_live_task_does_its_own_work_beside_it(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("nap")
        await play.clock(minutes=30)
        copy = await play.engine.tasks.fork(id, by="ada")
        await play.clock(minutes=30)
        assert (await play.engine.tasks.wait(id)).status == "completed"
        assert (await play.engine.tasks.get(copy)).status == "waiting"
        await play.restart()
        await play.clock(minutes=30)
        assert (await play.engine.tasks.wait(copy)).status == "completed"


async def test_h3_a_copy_in_a_conversation_asks_there(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        await play.say("/form")
        await play.say("Ada")
        [task] = await play.engine.tasks.list()
        copy = await play.engine.tasks.fork(task.id, "name", by="ada")
        await play.say("Bob")
        assert (await play.engine.tasks.wait(copy)).output == "Bob"
        assert (await play.engine.tasks.get(task.id)).output == "Ada"


async def test_h3_a_failed_task_waits_until_the_one_that_took_its_place_has_ended(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        shop.breaks("price")
        await play.say("/visit")
        [first] = await play.engine.tasks.list()
        await play.engine.tasks.wait(first.id)
        shop.mend("price")
        await play.say("/visit")
        await until(play.engine.tasks, (await play.engine.tasks.list())[0].id, lambda task: task.status == "waiting")
        with pytest.raises(CallerError, match="is live for the same person or place; end it first"):
            await play.engine.tasks.retry(first.id, by="ada")
        await play.say("/cancel")
        await play.engine.tasks.retry(first.id, by="ada")
        await until(play.engine.tasks, first.id, lambda task: task.status == "waiting")
        await play.say("At noon")
        assert (await play.engine.tasks.wait(first.id)).output == "At noon"


async def test_h3_what_was_wanted_is_on_record_with_who_wanted_it(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        tasks = play.engine.tasks
        id = await play.engine.start("nap")
        await tasks.pause(id, by="ada")
        await tasks.resume(id, by="bob")
        await tasks.move(id, "sleep", by="cleo")
        shop.breaks("price")
        await play.clock(hours=1)
        await tasks.wait(id)
        shop.mend("price")
        await tasks.retry(id, "sleep", by="dan")
        copy = await tasks.fork(id, "wake", by="eve")
        await tasks.cancel(id, by="fay")
        found = await changes(tasks, id)
        requests = [(change.request, change.by, change.to) for change in found if change.kind == "request"]
        assert requests == [
            ("pause", "ada", ""), ("resume", "bob", ""), ("move", "cleo", "sleep"), ("retry", "dan", "sleep"),
            ("cancel", "fay", ""),
        ]  # fmt: skip
        await tasks.wait(copy)
        [forked] = [change for change in await changes(tasks, copy) if change.kind == "request"]
        assert (forked.request, forked.by, forked.to) == ("fork", "eve", "wake")


async def test_h3_an_action_is_cancelled_alone_and_its_step_fails(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        shop.hold("print")
        id = await play.engine.start("shop")
        await shop.reached("print")
        printing = (await play.engine.tasks.get(id)).children[-1]
        await play.engine.tasks.cancel(printing, by="ada")
        task = await play.engine.tasks.wait(id)
        assert task.error is not None
        assert (task.status, task.error.code, task.error.step) == ("failed", "cancelled", "print")
        assert (await play.engine.tasks.get(printing)).status == "failed"


async def test_h3_a_process_beside_the_one_that_runs_flows_tells_tasks_what_to_do(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        desk = tasks_beside(play.store, play.fake_clock)
        id = await play.engine.start("nap")
        mailbox = (await play.engine.inspect(id)).mailbox
        await play.tell(mailbox, lambda: desk.pause(id, by="ada"))
        assert (await desk.get(id)).status == "paused"
        await play.tell(mailbox, lambda: desk.cancel(id, by="ada"))
        assert (await desk.wait(id)).status == "cancelled"
        assert kept(await changes(desk, id)) == kept(await changes(play.engine.tasks, id))


Order = Callable[[Tasks, str], Coroutine[object, object, object]]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (lambda tasks, id: tasks.cancel(id, by="a"), "has ended completed; there is nothing left to cancel"),
        (lambda tasks, id: tasks.pause(id, by="a"), "only one that is running or waiting can be paused"),
        (lambda tasks, id: tasks.resume(id, by="a"), "has ended completed; fork it at one of its steps instead"),
        (lambda tasks, id: tasks.retry(id, "pay", by="a"), "has ended completed; fork it at one of its steps instead"),
        (lambda tasks, id: tasks.move(id, "pay", by="a"), "has ended completed; fork it at the step instead"),
        (lambda tasks, id: tasks.fork(id, by="a"), "name the step at which its copy is to go on"),
        (lambda tasks, id: tasks.fork(id, "fly", by="a"), "flow 'batch' has no step 'fly'; it has: .*ready"),
        (lambda tasks, id: tasks.fork(id, "one", by="a"), "step 'one' is inside of group 'all'; name the group"),
        (lambda tasks, id: tasks.get("nobody"), "no run 'nobody' is in this store"),
        (lambda tasks, id: tasks.get(f"{id}/one/7"), "its run has no such step"),
        (lambda tasks, id: tasks.get(f"{id}/one"), "is no id of a task"),
        (lambda tasks, id: tasks.move(f"{id}/one/7", "pay", by="a"), "is an action, which can only be cancelled"),
    ],
)
async def test_h3_what_cannot_be_done_is_refused_with_the_remedy(
    rehearse: Rehearsing, shop: Workshop, order: Order, said: str
) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("batch", {"skus": ["a", "b"]})
        before = await play.engine.tasks.wait(id)
        with pytest.raises(CallerError, match=said):
            await order(play.engine.tasks, id)
        assert await play.engine.tasks.get(id) == before
        assert len(await play.engine.tasks.list()) == 1


async def test_h3_a_process_that_ends_while_it_is_told_does_it_once(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        shop.breaks("ship")
        id = await play.engine.start("order", TEA)
        await play.engine.tasks.wait(id)
        shop.mend("ship")
        desk = tasks_beside(play.store, play.fake_clock)
        mailbox = (await play.engine.inspect(id)).mailbox
        play.crash("turn.before_commit")
        await play.tell(mailbox, lambda: desk.retry(id, by="ada"))
        assert (await play.engine.tasks.wait(id)).status == "completed"
        assert [change.by for change in await changes(desk, id) if change.kind == "request"] == ["ada"]
