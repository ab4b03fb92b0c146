"""Whoever waits for the engine gets a true answer, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress

import pytest

from tests.engine.talk import Step, TalkTurn, go_on, make_flow, make_registry
from tests.faults.house import house
from turnflow import Directive, action
from turnflow.core.ids import ConversationId, InputId, UserId
from turnflow.core.inputs import Input
from turnflow.engine import SystemClock, process
from turnflow.errors import EngineStopped, UnknownRun
from turnflow.ports import Commit, CommitOutcome, Duplicate, Handled, Inbound
from turnflow.stores import MemoryStore


class Odd(MemoryStore):
    """Fails once in a way that no store should."""

    odd = False

    async def commit(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        if self.odd and any(commit.received for commit in commits):
            self.odd = False
            raise RuntimeError("odd")
        return await super().commit(commits)


async def test_a_repeat_of_an_input_that_came_to_nothing_is_handled_and_not_called_a_duplicate() -> None:
    store = Odd()
    async with house(make_registry(), store) as home:
        await home.say("/start")
        store.odd = True
        hello = home.text("hello")
        first, second = await asyncio.gather(
            home.engine.deliver(hello), home.engine.deliver(hello), return_exceptions=True
        )
        assert isinstance(first, RuntimeError)
        assert isinstance(second, Handled)
        assert (await home.run()).cursors[0].step == Step.SECOND.value


class Ledger:
    def __init__(self) -> None:
        self.lines: list[str] = []


@action
async def shout(text: str, ledger: Ledger) -> None:
    ledger.lines.append(text)


async def outcome(call: Awaitable[object]) -> object:
    """Return what a call came to, as an exception if it is one."""
    try:
        return await call
    except Exception as error:
        return error


async def test_a_repeat_after_its_caller_went_away_runs_no_action_of_the_next_step() -> None:
    ledger = Ledger()
    gate = asyncio.Event()

    async def answer(turn: TalkTurn, text: str) -> Directive:
        await gate.wait()
        await turn.call_action(shout, text)
        return turn.repeat()

    async with house(make_registry(make_flow(answer), shout), resources=[ledger]) as home:
        await home.say("/start")
        hello = home.text("hello")
        async with asyncio.TaskGroup() as tasks:
            caller = tasks.create_task(home.engine.deliver(hello))
            await asyncio.sleep(0.05)
            caller.cancel()
            await asyncio.wait([caller])
            repeat = tasks.create_task(home.engine.deliver(hello))
            await asyncio.sleep(0.05)
            gate.set()
        assert isinstance(repeat.result(), Duplicate)
        await home.rest()
        assert ledger.lines == ["hello"]
        assert not home.process.callers.inputs


async def test_those_who_wait_for_a_run_are_told_when_the_engine_stops() -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        async with house(make_registry()) as home:
            await home.say("/start")
            waiting = tasks.create_task(outcome(home.engine.finished((await home.run()).run)))
            await asyncio.sleep(0)
    assert isinstance(waiting.result(), EngineStopped)
    with pytest.raises(EngineStopped):
        await asyncio.wait_for(home.engine.cancel((await home.run()).run), 1)


async def test_an_orderly_stop_ends_although_a_handler_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_WITHIN", 0.2)

    async def for_ever(turn: TalkTurn, answer: str) -> Directive:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return turn.repeat()

    store = MemoryStore()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        async with house(make_registry(make_flow(for_ever)), store, clock=SystemClock()) as home:
            await home.say("/start")
            hello = home.text("hello")
            caller = tasks.create_task(outcome(home.engine.deliver(hello)))
            await asyncio.sleep(0.05)
    assert isinstance(caller.result(), EngineStopped)
    async with house(make_registry(make_flow(go_on)), store, clock=SystemClock()) as home:
        assert isinstance(await home.engine.deliver(hello), Handled)
        assert (await home.run()).cursors[0].step == Step.SECOND.value


async def test_waiting_for_runs_leaves_nothing_in_memory() -> None:
    async with house(make_registry()) as home:
        await home.say("/start")
        run = (await home.run()).run
        for _ in range(3):
            with suppress(TimeoutError):
                await asyncio.wait_for(home.engine.finished(run), 0.01)
        with suppress(UnknownRun):
            await home.engine.finished("nobody")
        await home.engine.cancel(run)
        assert (await home.engine.finished(run)).outcome == "cancelled"
        assert not home.process.callers.endings


async def test_a_caller_whose_input_could_not_be_handed_on_to_the_persons_mailbox_is_told() -> None:
    store = Odd()
    async with house(make_registry(make_flow(key="user")), store) as home:
        store.odd = True
        with pytest.raises(RuntimeError):
            await asyncio.wait_for(home.engine.deliver(home.text("/start")), 2)
        assert not home.process.callers.inputs
        assert isinstance(await asyncio.wait_for(home.engine.deliver(home.text("/start")), 2), Handled)
        assert not home.process.callers.inputs


async def test_the_engines_own_words_about_a_run_of_a_person_reach_the_chat_they_wrote_in() -> None:
    async with house(make_registry(make_flow(key="user", on_repeat="reject"))) as home:
        press = Input(InputId("p1"), "press", UserId("ann"), ref="begin")
        await home.engine.deliver(Inbound(ConversationId("t:1"), press))
        await home.say("/start", chat="2")
        await home.rest()
        assert [reply.press for reply in home.bot.sent if reply.press] == ["p1"]
        assert home.texts("2") == ["This is already running."]
