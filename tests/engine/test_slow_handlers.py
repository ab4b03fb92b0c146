"""A slow handler holds nobody up, runs once while its process lives, and its answer is never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from tests.engine.talk import Step, TalkTurn, make_flow, make_registry
from tests.faults.house import house
from turnflow import Directive, action
from turnflow.core.ids import MailboxId
from turnflow.engine import SystemClock
from turnflow.engine.desk import Desk
from turnflow.errors import StoreUnavailable
from turnflow.ports import Accepted, Handled, InboxRecord, Repeated
from turnflow.stores import MemoryStore


async def test_an_operator_who_writes_while_a_handler_gets_slow_does_not_make_it_run_beside_itself() -> None:
    at_work: list[str] = []
    most = 0

    async def slowly(turn: TalkTurn, answer: str) -> Directive:
        nonlocal most
        at_work.append(answer)
        most = max(most, len(at_work))
        try:
            await asyncio.sleep(1.6)
        finally:
            at_work.remove(answer)
        return turn.next(Step.SECOND)

    async with house(make_registry(make_flow(slowly)), clock=SystemClock()) as home:
        await home.say("/start")
        run = (await home.run()).run
        async with asyncio.TaskGroup() as tasks:
            answered = tasks.create_task(home.engine.deliver(home.text("hello")))
            await asyncio.sleep(0.2)
            await Desk(home.store, home.clock).say(run, "nobody asked", "op")
        assert isinstance(answered.result(), Handled)
        while (await home.run()).status == "running":
            await asyncio.sleep(0.1)
        assert most == 1
        assert (await home.run()).cursors[0].step == Step.SECOND.value
        assert (await home.store.load(MailboxId("t:1"))).waiting == ()


async def test_an_operator_in_another_process_can_cancel_a_run_whose_handler_is_slow() -> None:
    async def for_ever(turn: TalkTurn, answer: str) -> Directive:
        await asyncio.Event().wait()
        return turn.repeat()

    async with house(make_registry(make_flow(for_ever)), clock=SystemClock()) as home:
        await home.say("/start")
        await home.engine.deliver(home.text("hello"))
        run = (await home.run()).run
        assert (await home.run()).status == "running"
        await Desk(home.store, home.clock).cancel(run, "op")
        ending = await asyncio.wait_for(home.engine.finished(run), 3)
        assert (ending.outcome, ending.by) == ("cancelled", "op")


async def test_a_restart_whose_old_run_takes_long_to_leave_begins_once_it_has_left() -> None:
    flow = make_flow(on_repeat="restart")

    @flow.on_exit
    async def tidy_up(turn: TalkTurn, outcome: str) -> None:
        await asyncio.sleep(1.4)

    async with house(make_registry(flow), clock=SystemClock()) as home:
        await home.say("/start")
        await home.engine.deliver(home.text("/start"))
        while len(home.texts()) < 2:
            await asyncio.sleep(0.05)
        await home.rest()
        assert home.texts() == ["First?", "First?"]


@action
async def double(number: int) -> int:
    await asyncio.sleep(0.01 * (3 - number))
    return 2 * number


async def test_actions_that_are_called_at_once_are_all_recorded() -> None:
    got: list[list[int]] = []

    async def gather(turn: TalkTurn, answer: str) -> Directive:
        got.append(await asyncio.gather(*(turn.call_action(double, number) for number in range(3))))
        return turn.next(Step.SECOND)

    async with house(make_registry(make_flow(gather), double)) as home:
        await home.say("/start")
        await home.say("hello")
        assert got == [[0, 2, 4]]
        state = await home.run()
        assert state.status == "waiting"
        assert len(await home.store.results(state.run, "")) == 3
        await home.verify()


async def test_actions_of_an_error_handler_are_other_calls_than_those_of_the_handler_that_failed() -> None:
    async def fail(turn: TalkTurn, answer: str) -> Directive:
        await turn.call_action(double, 1)
        raise ValueError(answer)

    flow = make_flow(fail)

    @flow.on_error
    async def fall_back(turn: TalkTurn, error: object) -> Directive:
        await turn.call_action(double, 2)
        return turn.goto(Step.SECOND)

    async with house(make_registry(flow, double)) as home:
        await home.say("/start")
        await home.say("hello")
        assert (await home.run()).cursors[0].step == Step.SECOND.value


class AwayOnce(MemoryStore):
    """Is away when the handler call of a run is to be made again."""

    away = True

    async def accept(self, entries: Sequence[InboxRecord]) -> list[Accepted | Repeated]:
        if self.away and any(entry.id.startswith("resume:") for entry in entries):
            self.away = False
            raise StoreUnavailable("away for a moment")
        return await super().accept(entries)


async def test_a_handler_call_is_made_again_although_the_store_was_away_when_it_should_have_been() -> None:
    store = AwayOnce()
    gate = asyncio.Event()

    async def wait(turn: TalkTurn, answer: str) -> Directive:
        await gate.wait()
        return turn.next(Step.SECOND)

    registry = make_registry(make_flow(wait))
    with suppress(ExceptionGroup):
        async with house(registry, store, clock=SystemClock()) as home:
            await home.say("/start")
            await home.engine.deliver(home.text("hello"))
            await home.process.abandon()
            await store.release(home.process.leases.holder)
    gate.set()
    async with house(registry, store, clock=SystemClock(), hurry=True) as home:
        for _ in range(40):
            if (await home.run()).status == "waiting":
                break
            await asyncio.sleep(0.1)
        assert not store.away
        assert (await home.run()).cursors[0].step == Step.SECOND.value


async def test_a_handler_that_ignores_its_cancellation_does_not_cost_the_mailbox_its_worker() -> None:
    calls: list[str] = []

    async def stubborn(turn: TalkTurn, answer: str) -> Directive:
        calls.append(answer)
        if len(calls) == 1:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(10)
            return turn.repeat()
        cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        cancelled.cancel()
        await cancelled
        return turn.repeat()

    flow = make_flow(stubborn)

    @flow.on_error
    async def again(turn: TalkTurn, error: object) -> Directive:
        return turn.goto(Step.FIRST)

    async with house(make_registry(flow), clock=SystemClock()) as home:
        await home.say("/start")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(home.engine.deliver(home.text("one")))
            await asyncio.sleep(0.05)
            (execution,) = home.process.executions._running
            execution.limit = 0.1
        assert isinstance(await asyncio.wait_for(home.engine.deliver(home.text("two")), 3), Handled)
        assert isinstance(await asyncio.wait_for(home.engine.deliver(home.text("three")), 3), Handled)
        assert calls == ["one", "two", "three"]
