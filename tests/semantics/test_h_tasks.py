"""H1. Tasks: what they tell."""

from __future__ import annotations

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.workshop import TEA, Workshop, changes, shape, step, steps_of, until
from turnflow.errors import InvalidValue


@pytest.fixture
def shop() -> Workshop:
    return Workshop()


async def test_h1_a_task_tells_what_it_was_started_with_and_what_it_came_to(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("order", TEA, params={"discount": 5})
        task = await play.engine.tasks.wait(id)
        assert (task.id, task.kind, task.flow, task.version, task.title) == (id, "flow", "order", 3, "An order")
        assert task.status == "completed"
        assert task.digest
        assert task.input == {"sku": "tea", "card": "[redacted]"}
        assert task.params == {"discount": 5}
        assert task.output == {"shipped": "parcel", "discount": 5}
        assert (task.error, task.parent, task.root, task.children) == (None, "", id, ())
        assert task.created == task.started == task.ended == play.fake_clock.now()


async def test_h1_params_have_defaults_and_are_checked(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        task = await play.engine.tasks.wait(await play.engine.start("order", TEA))
        assert task.params == {"discount": 0}
        with pytest.raises(InvalidValue, match="params of flow 'order': discount"):
            await play.engine.start("order", TEA, params={"discount": "much"})


async def test_h1_every_step_tells_its_attempts_its_time_and_what_it_came_to(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        shop.breaks("pay", "busy")
        id = await play.engine.start("order", TEA)
        await until(play.engine.tasks, id, lambda task: any(record.attempts == 2 for record in task.steps))
        shop.mend("pay")
        await play.clock(seconds=1)
        task = await play.engine.tasks.wait(id)
        assert steps_of(task) == {"price": "completed", "pay": "completed", "ship": "completed"}
        pay = step(task, "pay")
        assert pay.attempts == 2
        assert pay.started is not None
        assert pay.ended is not None
        assert pay.ended - pay.started == 1000
        assert step(task, "price").input == {"sku": "tea"}
        assert step(task, "price").output == 300


async def test_h1_a_step_under_way_is_running_and_one_that_waits_is_waiting(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry(), checked=False) as play:
        shop.hold("pay")
        id = await play.engine.start("order", TEA)
        await shop.reached("pay")
        task = await play.engine.tasks.get(id)
        assert (task.status, task.ended) == ("running", None)
        assert steps_of(task) == {"price": "completed", "pay": "running"}
        shop.let_go("pay")
        await play.engine.tasks.wait(id)
        nap = await play.engine.tasks.get(await play.engine.start("nap"))
        assert (nap.status, steps_of(nap)) == ("waiting", {"sleep": "waiting"})


async def test_h1_a_failed_task_tells_code_message_step_and_attempt(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        shop.breaks("ship", "no_lorry")
        task = await play.engine.tasks.wait(await play.engine.start("order", TEA))
        assert task.status == "failed"
        assert task.error is not None
        assert (task.error.code, task.error.step, task.error.attempt) == ("no_lorry", "ship", 1)
        assert "ship does not work" in task.error.message
        assert steps_of(task) == {"price": "completed", "pay": "completed", "ship": "failed"}


async def test_h1_what_a_step_hides_is_shown_nowhere(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("order", TEA)
        task = await play.engine.tasks.wait(id)
        assert "4111" not in repr(task)
        assert "4111" not in repr(await changes(play.engine.tasks, id))
        assert step(task, "pay").output == {"receipt": "R300", "card": "[redacted]"}


async def test_h1_results_of_a_loop_are_counted_not_repeated(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        skus = [f"s{number}" for number in range(30)]
        id = await play.engine.start("batch", {"skus": skus})
        task = await play.engine.tasks.wait(id)
        assert task.output == 30
        group = step(task, "all")
        assert (group.count, group.output) == (30, None)
        assert step(task, "all[7]").output_of == "all[7]/one"
        assert step(task, "all[7]/one").output == 200
        lane = await play.engine.tasks.steps(id, "all[7]/")
        assert [record.path for record in lane] == ["all[7]/one"]


async def test_h1_of_very_many_steps_the_newest_are_shown_and_all_can_be_had(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("batch", {"skus": ["x"] * 600})
        task = await play.engine.tasks.wait(id)
        assert len(task.steps) == 1_000
        assert len(task.steps) + task.steps_left_out == len(await play.engine.tasks.steps(id)) == 1_201


async def test_h1_parent_root_and_children_make_a_tree_from_any_node(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        id = await play.engine.start("shop")
        task = await play.engine.tasks.wait(id)
        order, printing = task.children
        below = await play.engine.tasks.get(order)
        assert (below.flow, below.parent, below.root) == ("order", id, id)
        for node in (id, order, printing):
            tree = await play.engine.tasks.tree(node)
            assert shape(tree) == ("shop", "completed", [("An order", "completed", []), ("print", "completed", [])])


async def test_h1_a_long_action_is_a_task_of_its_own_with_its_progress(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        shop.hold("print")
        id = await play.engine.start("shop")
        await shop.reached("print")
        printing = (await play.engine.tasks.get(id)).children[-1]
        task = await play.engine.tasks.get(printing)
        assert (task.kind, task.status, task.parent, task.root) == ("action", "running", id, id)
        assert task.progress == 0.5
        shop.let_go("print")
        ended = await play.engine.tasks.wait(printing)
        assert (ended.status, ended.output, ended.progress) == ("completed", "paper", None)
        await play.engine.tasks.wait(id)


async def test_h1_tasks_are_found_by_flow_status_parent_and_tree_youngest_first(
    rehearse: Rehearsing, shop: Workshop
) -> None:
    async with rehearse(shop.registry()) as play:
        tasks = play.engine.tasks
        first = await play.engine.start("shop")
        await tasks.wait(first)
        nap = await play.engine.start("nap")
        shop.breaks("price")
        failed = await play.engine.start("order", TEA)
        await tasks.wait(failed)
        order = (await tasks.get(first)).children[0]
        assert [task.id for task in await tasks.list()] == [failed, nap, order, first]
        assert [task.id for task in await tasks.list(flow="order")] == [failed, order]
        assert [task.id for task in await tasks.list(status="waiting")] == [nap]
        assert [task.id for task in await tasks.list(status=["failed", "waiting"])] == [failed, nap]
        assert [task.id for task in await tasks.list(parent=first)] == [order]
        assert [task.id for task in await tasks.list(root=first)] == [order, first]
        assert [task.id for task in await tasks.list(root=first, after=order)] == [first]
        assert [task.id for task in await tasks.list(limit=2, after=nap)] == [order, first]
        assert all(not task.steps for task in await tasks.list())


async def test_h1_a_task_of_a_conversation_tells_which_question_is_open(rehearse: Rehearsing, shop: Workshop) -> None:
    async with rehearse(shop.registry()) as play:
        await play.say("/form")
        [task] = await play.engine.tasks.list()
        assert task.conversation == "chat:you"
        assert steps_of(await play.engine.tasks.get(task.id)) == {"name": "waiting"}
        await play.say("Ada")
        ended = await play.engine.tasks.get(task.id)
        assert (ended.status, ended.output) == ("completed", "Ada")
        assert steps_of(ended) == {"name": "completed", "thanks": "completed"}
