"""`turnflow operator`: a desk in one process, the people it answers in another."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from examples.support import registry
from tests.cli.processes import Terminal, turnflow
from turnflow import Engine, open_engine
from turnflow.core.ids import ConversationId
from turnflow.core.inputs import typed
from turnflow.ports import Inbound

DESK = ("operator", "--store", "sqlite:///bot.db")


class Shop:
    """The process with the flows (this one), and people who talk to it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.folder = folder
        self._engine = engine
        self._count = 0

    async def say(self, who: str, *texts: str) -> None:
        for text in texts:
            self._count += 1
            inbound = typed(text, id=f"m{self._count}", sender=who, at=0)
            await self._engine.deliver(Inbound(ConversationId(f"room:{who}"), inbound))

    async def ask(self, who: str, question: str) -> None:
        await self.say(who, "/support", "something else", question)

    async def told(self, who: str, text: str) -> None:
        """Wait until the person has read this."""
        async with asyncio.timeout(30):
            while True:
                said = await self._engine.history(ConversationId(f"room:{who}"))
                if any(line.message is not None and line.message.text == text for line in said):
                    return
                await asyncio.sleep(0.02)

    async def desk(self, *lines: str) -> str:
        """Carry out commands at a desk whose input is a pipe."""
        given = "".join(f"{line}\n" for line in lines)
        done = await asyncio.to_thread(turnflow, self.folder, *DESK, given=given)
        assert done.returncode == 0
        assert done.stderr == ""
        return done.stdout


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_engine(registry, store=f"sqlite:///{tmp_path}/bot.db") as engine:
        yield Shop(engine, tmp_path)


async def test_a_person_and_an_operator_talk_until_the_flow_goes_on(shop: Shop) -> None:
    await shop.ask("ada", "My parcel is wet.")

    def session() -> None:
        with Terminal(shop.folder, *DESK) as desk:
            desk.expect("Operator's desk.", "My parcel is wet.")
            desk.type("say Which number has it?")
            wait(shop.told("ada", "Which number has it?"))
            wait(shop.say("ada", "4711"))
            desk.expect("4711")
            desk.type("answer A new one is on its way.")
            wait(shop.told("ada", "A new one is on its way."))
            wait(shop.told("ada", "Did that help?"))
            desk.type("list")
            desk.expect("Nobody is waiting.")
            desk.press("D")
            assert desk.ended() == 0
            assert "No process runs flows" not in desk.shown

    loop = asyncio.get_running_loop()

    def wait(work: object) -> None:
        assert asyncio.iscoroutine(work)
        asyncio.run_coroutine_threadsafe(work, loop).result(60)

    await asyncio.to_thread(session)


async def test_with_several_waiting_the_run_has_to_be_named(shop: Shop) -> None:
    await shop.ask("ada", "My parcel is wet.")
    await shop.ask("bob", "My cake is dry.")
    shown = await shop.desk("say hello")
    assert "2 runs are waiting; say which one: " in shown
    bob = re.search(r"(\w{8}) My cake is dry", shown)
    assert bob
    await shop.desk(f"say {bob[1][:4]} What a pity.")
    await shop.told("bob", "What a pity.")


async def test_a_run_is_put_onto_another_step_or_ended(shop: Shop) -> None:
    await shop.ask("ada", "When do you open?")
    await shop.desk("move topic")
    await shop.told("ada", "What is it about?")
    await shop.say("ada", "something else", "Nothing, really.")
    await shop.desk("cancel")
    await shop.told("ada", "Cancelled.")


async def test_a_desk_that_opens_later_shows_what_those_who_wait_have_said_and_nobody_else(shop: Shop) -> None:
    await shop.ask("ada", "My parcel is wet.")
    await shop.desk("cancel")
    await shop.told("ada", "Cancelled.")
    await shop.ask("bob", "My cake is dry.")
    await shop.say("bob", "Very dry.")
    shown = await shop.desk()
    assert "parcel" not in shown
    assert shown.index("My cake is dry.") < shown.index("Very dry.")


async def test_commands_that_are_not_understood_are_answered_and_change_nothing(shop: Shop) -> None:
    assert "nobody is waiting for an operator" in await shop.desk("answer hello")
    await shop.ask("ada", "My parcel is wet.")
    shown = await shop.desk("hello there", "say", "move", "move away", "cancel abcd1234", "help", "quit", "cancel")
    assert "there is no command 'hello'; `help` lists them" in shown
    assert "say needs a text" in shown
    assert "move needs a step" in shown
    assert "flow 'support' has no step 'away'; it has: helped, question, topic" in shown
    assert "no run that waits begins with 'abcd1234'" in shown
    assert "answer [RUN] TEXT" in shown
    assert "support" in await shop.desk("list")


async def test_an_answer_given_while_no_flows_run_arrives_when_they_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.db"
    async with open_engine(registry, store=url) as engine:
        await Shop(engine, tmp_path).ask("ada", "My parcel is wet.")
    shown = await asyncio.to_thread(turnflow, tmp_path, *DESK, given="answer It will dry.\n")
    assert "No process runs flows on this store now" in shown.stdout
    async with open_engine(registry, store=url) as engine:
        await Shop(engine, tmp_path).told("ada", "It will dry.")
