"""Semantics E1, E2: the registry, and flows that call flows."""

from __future__ import annotations

from enum import StrEnum

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Call, asking, registered
from tests.semantics.playing import SORRY, results
from tests.semantics.shop import Order, Shop, payment, selling, shop
from turnflow import Directive, Failure, Flow, Registry, Turn, command
from turnflow.errors import CallerError, ConflictingFlow, UnknownFlow

# --- E1 ---------------------------------------------------------------------------------------------------------------


async def test_e1_there_is_no_global_registry_an_engine_knows_the_flows_of_its_own(rehearse: Rehearsing) -> None:
    selling()
    async with rehearse(registered(asking("a"))) as play:
        with pytest.raises(UnknownFlow, match=r"no flow 'shop' is registered .* registered: a"):
            await play.engine.start("shop")


def test_e1_two_different_flows_of_one_name_and_version_are_an_error() -> None:
    registry = Registry()
    registry.register(asking("a"))
    registry.register(asking("a"))
    with pytest.raises(ConflictingFlow, match="raise the version"):
        registry.register(asking("a", who=("bob",)))


async def test_e1_calling_a_flow_that_is_not_registered_is_an_error_of_the_calling_step(rehearse: Rehearsing) -> None:
    flow = shop(lambda turn, _: turn.call("nowhere", then=Shop.THANKS))

    @flow.on_error
    async def wrong(turn: Turn[Shop, None], error: Failure) -> Directive:
        turn.say(f"{error.code} at {error.step}: {error.message}")
        return turn.cancel()

    async with rehearse(flow) as play:
        await play.say("/start")
        (said,) = await play.say("tea")
        assert said.startswith("child_failed at item: ")
        assert "nowhere" in said


async def test_e1_a_flow_that_is_not_callable_is_not_called(rehearse: Rehearsing) -> None:
    registry = Registry()
    registry.register(shop(lambda turn, _: turn.next(Shop.PAY), regret=False), on=[command("start")])
    registry.register(payment(), initial={"item": "?"})
    async with rehearse(registry) as play:
        with pytest.raises(CallerError, match="register_callable"):
            await play.engine.start("payment", Order("tea"))
        await play.say("/start")
        assert await play.say("tea") == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert "register_callable" in ending.error.message


# --- E2: turn.call ----------------------------------------------------------------------------------------------------


async def test_e2_a_called_flow_is_a_run_of_its_own_whose_result_arrives_in_the_step_named(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(selling()) as play:
        await play.say("/start")
        assert await play.say("tea") == ["Card for 1 tea?"]
        outer, inner = sorted(await play.runs(), key=lambda run: run.flow, reverse=True)
        assert inner.parent is not None
        assert (inner.parent.run, inner.parent.depth) == (outer.run, 1)
        assert outer.status == "waiting"
        await play.restart()
        assert await play.say("visa") == ["Paid: {'card': 'visa', 'item': 'tea'}."]
        assert {run.status for run in await play.runs()} == {"completed"}


async def test_e2_the_called_flow_has_the_conversations_attention_and_the_caller_s_old_buttons_are_dead(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(selling()) as play:
        await play.say("/start")
        await play.say("tea")
        assert await play.say("/start") == ["Card for 1 tea?"], "the trigger repeated asks what is open"


@pytest.mark.parametrize(("answer", "outcome"), [("broke", "failed"), ("never", "cancelled")])
async def test_e2_failure_and_cancel_of_a_called_flow_are_error_outputs_of_the_calling_step(
    rehearse: Rehearsing, answer: str, outcome: str
) -> None:
    async with rehearse(selling()) as play:
        await play.say("/start")
        await play.say("tea")
        assert await play.say(answer) == ["No sale (None)."], "the person hears of it from the caller only"
        assert await results(play) == ["no sale"]
        assert {run.flow: run.status for run in await play.runs()} == {"shop": "completed", "payment": outcome}


@pytest.mark.parametrize(("answer", "code"), [("broke", "child_failed"), ("never", "child_cancelled")])
async def test_e2_without_an_error_output_they_fail_the_caller_saying_why(
    rehearse: Rehearsing, answer: str, code: str
) -> None:
    async with rehearse(selling(regret=False)) as play:
        await play.say("/start")
        await play.say("tea")
        assert await play.say(answer) == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert (ending.error.code, ending.error.step) == (code, "pay")
        assert ("the account is empty" if answer == "broke" else "cancelled") in ending.error.message


async def test_e2_data_that_does_not_fit_the_called_flow_fails_the_calling_step(rehearse: Rehearsing) -> None:
    registry = Registry()
    call = shop(lambda turn, _: turn.call("payment", {"item": 5}, then=Shop.THANKS), regret=False)
    registry.register(call, on=[command("start")])
    registry.register_callable(payment())
    async with rehearse(registry) as play:
        await play.say("/start")
        assert await play.say("tea") == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert "item" in ending.error.message


async def test_e2_flows_call_flows_up_to_sixteen_deep(rehearse: Rehearsing) -> None:
    deep = Flow("deep", steps=Call)

    @deep.step(Call.CALL)
    async def call(turn: Turn[Call, None]) -> Directive:
        return turn.call(deep, then=Call.END)

    @deep.step(Call.END)
    async def end(turn: Turn[Call, None]) -> Directive:
        return turn.complete(turn.result)

    registry = Registry()
    registry.register(deep, on=[command("start")], callable=True)
    async with rehearse(registry) as play:
        assert await play.say("/start") == [SORRY]
        runs = await play.runs()
        assert len(runs) == 17
        assert {run.status for run in runs} == {"failed"}
        innermost = max(runs, key=lambda run: run.parent.depth if run.parent else 0)
        assert innermost.ending is not None
        assert innermost.ending.error is not None
        assert innermost.ending.error.code == "nesting_too_deep"


async def test_e2_calls_work_in_a_loop_and_inside_branches(rehearse: Rehearsing) -> None:
    class Steps(StrEnum):
        LOOP = "loop"
        BOTH = "both"
        LEFT = "left"
        LEFT_PAID = "left_paid"
        RIGHT = "right"
        END = "end"

    flow = Flow("loops", steps=Steps, data=Order)

    @flow.step(Steps.LOOP)
    async def loop(turn: Turn[Steps, Order]) -> Directive:
        if turn.data.count == 3:
            return turn.next(Steps.BOTH)
        turn.data.count += 1
        return turn.call("payment", Order("tea", turn.data.count), then=Steps.LOOP)

    @flow.step(Steps.LEFT)
    async def left(turn: Turn[Steps, Order]) -> Directive:
        return turn.call("payment", Order("cake"), then=Steps.LEFT_PAID)

    @flow.step(Steps.LEFT_PAID)
    async def paid(turn: Turn[Steps, Order]) -> Directive:
        return turn.done(turn.result)

    @flow.step(Steps.RIGHT, ask="Note?")
    async def right(turn: Turn[Steps, Order], answer: str) -> Directive:
        return turn.done(answer)

    @flow.step(Steps.END)
    async def end(turn: Turn[Steps, Order]) -> Directive:
        return turn.complete({step.value: result for step, result in turn.results.items()})

    flow.parallel(start=Steps.BOTH, steps=[Steps.LEFT, Steps.RIGHT], join=Steps.END)
    registry = Registry()
    registry.register(flow, on=[command("start")], initial={"item": "?"})
    registry.register_callable(payment())
    async with rehearse(registry) as play:
        assert await play.say("/start") == ["Card for 2 tea?"]
        assert await play.say("one") == ["Card for 3 tea?"]
        said = await play.say("two")
        assert sorted(said) == ["Card for 1 cake?", "Note?"]
        await play.say("three")
        await play.say("a note")
        assert await results(play) == [{"left": {"card": "three", "item": "cake"}, "right": "a note"}]
