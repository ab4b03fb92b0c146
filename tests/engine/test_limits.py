"""Each documented limit has a defined outcome, and loses nothing that was accepted."""

from __future__ import annotations

import asyncio
from enum import StrEnum

import msgspec

from turnflow import Directive, Flow, Registry, Turn, command, open_engine
from turnflow.core.ids import ConversationId
from turnflow.core.inputs import TEXT_LIMIT, typed
from turnflow.engine.intake import INBOX_LIMIT
from turnflow.engine.turn import JOURNAL_LIMIT
from turnflow.ports import Handled, Inbound, Refused, RunQuery
from turnflow.stores import MemoryStore


class Step(StrEnum):
    ASK = "ask"


class Notes(msgspec.Struct):
    text: str = ""
    more: str = ""


def make_registry(gate: asyncio.Event | None = None) -> Registry:
    """A flow that asks for ever; it keeps what it hears, and waits at the gate if there is one."""
    flow: Flow[Step, Notes] = Flow("notes", steps=Step, data=Notes)

    @flow.step(Step.ASK, ask="And now?")
    async def ask(turn: Turn[Step, Notes], answer: str) -> Directive:
        if gate is not None:
            await gate.wait()
        if answer == "big":
            turn.data.text = "x" * 600_000
            turn.data.more = "y" * 600_000
        elif answer == "half":
            turn.data.text = "x" * 600_000
        return turn.repeat()

    registry = Registry()
    registry.register(flow, on=[command("start")])
    return registry


def sent(number: int, text: str) -> Inbound:
    return Inbound(ConversationId("t:1"), typed(text, id=f"i{number}", sender="u", at=1))


async def test_text_over_32_kib_is_refused_before_acceptance_and_changes_nothing() -> None:
    store = MemoryStore()
    async with open_engine(make_registry(), store=store) as engine:
        await engine.deliver(sent(1, "/start"))
        for number, text in enumerate(("x" * (TEXT_LIMIT + 1), "é" * (TEXT_LIMIT // 2 + 1), "x" * (1 << 20)), 2):
            assert isinstance(await engine.deliver(sent(number, text)), Refused)
        assert [row.revision for row in await store.find(RunQuery())] == [1]
        assert isinstance(await engine.deliver(sent(9, "x" * TEXT_LIMIT)), Handled)


async def test_run_data_over_1_mib_fails_the_step_with_a_clear_error() -> None:
    async with open_engine(make_registry(), store="memory://") as engine:
        started = await engine.deliver(sent(1, "/start"))
        assert isinstance(started, Handled)
        assert isinstance(await engine.deliver(sent(2, "half")), Handled)
        await engine.deliver(sent(3, "big"))
        ending = (await engine.inspect(started.runs[0])).ending
        assert ending is not None
        assert ending.error is not None
        assert ending.error.code == "data_too_large"
        assert "1048576 bytes" in ending.error.message


async def test_the_101st_input_that_waits_in_a_conversation_is_refused() -> None:
    gate = asyncio.Event()
    async with open_engine(make_registry(gate), store="memory://") as engine:
        await engine.deliver(sent(0, "/start"))
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(engine.deliver(sent(1, "hi")))]
            await asyncio.sleep(0.05)  # it is being handled, and waits for nobody but the gate
            waiting += [tasks.create_task(engine.deliver(sent(number, "hi"))) for number in range(2, INBOX_LIMIT + 2)]
            await asyncio.sleep(0.05)
            refused = await engine.deliver(sent(1000, "one more"))
            gate.set()
        assert isinstance(refused, Refused)
        assert all(isinstance(task.result(), Handled) for task in waiting)


async def test_a_run_ends_when_its_journal_is_full_and_says_why() -> None:
    async with open_engine(make_registry(), store="memory://") as engine:
        started = await engine.deliver(sent(0, "/start"))
        assert isinstance(started, Handled)
        for number in range(1, JOURNAL_LIMIT):
            await engine.deliver(sent(number, "hi"))
        state = await engine.inspect(started.runs[0])
        assert (state.status, state.revision) == ("cancelled", JOURNAL_LIMIT)
        assert state.ending is not None
        assert "journal" in state.ending.reason


async def test_a_conversation_cannot_pass_for_a_mailbox_of_the_engine() -> None:
    async with open_engine(make_registry(), store="memory://") as engine:
        for name in ("user:1", "run:1", "role:operator"):
            inbound = Inbound(ConversationId(name), typed("/start", id=f"i-{name}", sender="u", at=1))
            assert isinstance(await engine.deliver(inbound), Refused)
