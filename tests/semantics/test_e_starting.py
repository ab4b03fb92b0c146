"""Semantics E2, E4: flows that the host or a handler starts, and cancelling what belongs together."""

from __future__ import annotations

import asyncio

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Only
from tests.semantics.playing import SORRY, result_of, results
from tests.semantics.shop import Order, Shop, payment, selling
from turnflow import Directive, Flow, Registry, Turn, command
from turnflow.core.ids import RunId
from turnflow.errors import CallerError, InvalidValue, UnknownFlow, UnknownRun
from turnflow.testing import Rehearsal

# --- E2: engine.call, engine.start, turn.start --------------------------------------------------------------------------


async def called(play: Rehearsal) -> object:
    """Call the payment as a host program does; return its result, or why there is none."""
    try:
        return await play.engine.call("payment", Order("tea"), conversation="chat:you", user="you")
    except CallerError as error:
        return str(error)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("visa", {"card": "visa", "item": "tea"}),
        ("broke", "the run of flow 'payment' ended failed: the account is empty"),
        ("never", "the run of flow 'payment' ended cancelled: does not want to pay"),
    ],
)
async def test_e2_the_host_calls_a_flow_and_gets_its_result_or_is_told_why_not(
    rehearse: Rehearsing, answer: str, outcome: object
) -> None:
    async with rehearse(selling()) as play, asyncio.TaskGroup() as tasks:
        call = tasks.create_task(called(play))
        while not play.person.texts:
            await asyncio.sleep(0)
        assert play.person.texts == ["Card for 1 tea?"]
        await play.say(answer)
        assert await call == outcome


async def test_e2_start_with_a_parent_does_not_make_the_parent_wait(rehearse: Rehearsing) -> None:
    async with rehearse(selling()) as play:
        await play.say("/start")
        (outer,) = await play.runs()
        child = await play.engine.start("payment", Order("cake"), conversation="chat:you", user="you", parent=outer.run)
        await play.settle()
        state = await play.engine.inspect(child)
        assert state.parent is not None
        assert (state.parent.run, state.parent.awaited) == (outer.run, False)
        assert await play.say("visa") == [], "the newest one gets the answer"
        assert await play.say("tea") == ["Card for 1 tea?"], "the parent went on waiting for its own"


async def test_e2_start_with_an_unknown_or_finished_parent_is_an_error(rehearse: Rehearsing) -> None:
    async with rehearse(selling()) as play:
        with pytest.raises(UnknownRun):
            await play.engine.start("payment", Order("tea"), parent="0" * 20)
        await play.say("/start")
        await play.say("/cancel")
        (outer,) = await play.runs()
        with pytest.raises(CallerError, match="ended"):
            await play.engine.start("payment", Order("tea"), parent=outer.run)


async def test_e2_start_with_the_same_idempotency_key_is_the_same_run(rehearse: Rehearsing) -> None:
    async with rehearse(selling()) as play:
        first = await play.engine.start("payment", Order("tea"), conversation="chat:you", user="you", key="order-7")
        await play.restart()
        second = await play.engine.start("payment", Order("tea"), conversation="chat:you", user="you", key="order-7")
        assert first == second
        assert len(await play.runs()) == 1


async def started_child(play: Rehearsal) -> RunId:
    (run,) = [run.run for run in await play.runs() if run.parent is not None]
    return run


async def test_e2_a_handler_starts_a_flow_without_waiting_for_it(rehearse: Rehearsing) -> None:
    flow = Flow("outer", steps=Only)

    @flow.step(Only.ASK, ask="Start it?")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        run = await turn.start("payment", Order("cake"), conversation=turn.run.conversation)
        turn.say("Started.")
        return turn.complete(run)

    registry = Registry()
    registry.register(flow, on=[command("start")])
    registry.register_callable(payment())
    async with rehearse(registry) as play:
        await play.say("/start")
        said = await play.say("yes")
        assert sorted(said) == ["Card for 1 cake?", "Started."]
        assert await results(play) == [await started_child(play)]
        await play.say("visa")
        assert (await play.engine.inspect(await started_child(play))).status == "completed"


@pytest.mark.parametrize(("flow", "data"), [("nowhere", None), ("payment", {"item": 5}), ("start", None)])
async def test_e2_a_flow_that_cannot_be_started_is_an_error_in_the_handler_that_wants_it(
    rehearse: Rehearsing, flow: str, data: object
) -> None:
    outer = Flow("start", steps=Only)

    @outer.step(Only.ASK)
    async def ask(turn: Turn[Only, None]) -> Directive:
        try:
            await turn.start(flow, data)
        except (UnknownFlow, InvalidValue, CallerError) as error:
            return turn.complete(type(error).__name__)
        return turn.complete("started")

    registry = Registry()
    registry.register(outer, on=[command("start")])
    registry.register_callable(payment())
    async with rehearse(registry) as play:
        await play.say("/start")
        (result,) = await results(play)
        assert result in ("UnknownFlow", "InvalidValue", "CallerError")
        assert len(await play.runs()) == 1


# --- E4 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["call", "engine.start", "turn.start"])
async def test_e4_cancelling_a_parent_cancels_its_children_and_runs_their_clean_up(
    rehearse: Rehearsing, by: str
) -> None:
    left: list[str] = []
    flow = Flow("outer", steps=Shop)

    @flow.step(Shop.ITEM, ask="What?")
    async def item(turn: Turn[Shop, None], answer: str) -> Directive:
        if by == "turn.start":
            await turn.start("payment", Order("cake"), conversation="chat:other", user="other")
        return turn.call("payment", Order("tea"), then=Shop.THANKS) if by == "call" else turn.repeat()

    for step in (Shop.PAY, Shop.THANKS, Shop.REGRET):

        @flow.step(step)
        async def unused(turn: Turn[Shop, None]) -> Directive:
            return turn.complete()

    @flow.on_exit
    async def leave(turn: Turn[Shop, None]) -> None:
        left.append(f"outer {turn.outcome}")

    registry = Registry()
    registry.register(flow, on=[command("start")])
    registry.register_callable(payment(left))
    async with rehearse(registry) as play:
        play.as_("other")
        await play.say("/start")
        await play.say("tea")
        outer = next(run.run for run in await play.runs() if run.flow == "outer")
        if by == "engine.start":
            await play.engine.start("payment", Order("tea"), conversation="chat:other", user="other", parent=outer)
            await play.settle()
        await play.restart()
        await play.engine.cancel(outer)
        await play.settle()
        assert left == ["payment cancelled", "outer cancelled"]
        assert {run.status for run in await play.runs()} == {"cancelled"}


async def test_e4_a_child_that_is_not_waited_for_outlives_a_parent_that_completes(rehearse: Rehearsing) -> None:
    async with rehearse(selling()) as play:
        await play.say("/start")
        (outer,) = await play.runs()
        child = await play.engine.start(
            "payment", Order("x"), conversation="chat:other", user="other", parent=outer.run
        )
        await play.settle()
        await play.say("tea")
        await play.say("visa")
        assert (await play.engine.inspect(outer.run)).status == "completed"
        assert (await play.engine.inspect(child)).status == "waiting"
        await play.as_("other").say("amex")
        assert result_of((await play.engine.inspect(child)).ending or pytest.fail("still running")) == {
            "card": "amex",
            "item": "x",
        }


async def test_e4_a_failing_parent_cancels_the_children_it_started(rehearse: Rehearsing) -> None:
    left: list[str] = []
    flow = Flow("outer", steps=Only)

    @flow.step(Only.ASK, ask="Fail?")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        if answer == "start":
            await turn.start("payment", Order("cake"), conversation="chat:other", user="other")
            return turn.repeat()
        return turn.fail("enough")

    registry = Registry()
    registry.register(flow, on=[command("start")])
    registry.register_callable(payment(left))
    async with rehearse(registry) as play:
        await play.say("/start")
        await play.say("start")
        assert await play.say("fail") == [SORRY]
        assert left == ["payment cancelled"]
        assert {run.flow: run.status for run in await play.runs()} == {"outer": "failed", "payment": "cancelled"}
