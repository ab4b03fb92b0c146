"""Duplicates, reordering and concurrency: every input counts once, whatever the network does."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Literal

import msgspec
import pytest

from tests.faults.flows import registry
from tests.faults.house import House, house, stores
from tests.faults.ledger import Ledger
from turnflow import Directive, Flow, Registry, Turn, command
from turnflow.ports import Delivery, Duplicate, Handled, Inbound, Unclaimed


class Step(StrEnum):
    MORE = "more"


class Heap(msgspec.Struct):
    lines: list[str] = msgspec.field(default_factory=list)


heap = Flow("heap", steps=Step, data=Heap)


@heap.step(Step.MORE, ask="More?")
async def more(turn: Turn[Step, Heap], answer: str) -> Directive:
    turn.data.lines.append(answer)
    return turn.repeat()


def heaps() -> Registry:
    flows = Registry()
    flows.register(heap, on=[command("heap")])
    return flows


@pytest.mark.parametrize("name", ["memory", "sqlite"])
async def test_ten_thousand_duplicate_reordered_and_concurrent_deliveries_count_once(tmp_path: Path, name: str) -> None:
    random = Random(7)
    store = stores(tmp_path)[name]
    chats = [str(chat) for chat in range(25)]
    async with house(heaps(), store) as first:
        for chat in chats:
            await first.send(first.text("/heap", chat=chat), rest=False)
        messages = [first.text(f"{chat}.{line}", chat=chat) for chat in chats for line in range(20)]
        deliveries = messages * 20
        random.shuffle(deliveries)
        answers = await storm(first, deliveries[:5_000], random)
    async with house(heaps(), store, clock=first.clock, bot=first.bot) as second:
        second.consumed = first.consumed
        answers += await storm(second, deliveries[5_000:], random)
        handled = [answer for answer in answers if isinstance(answer, Handled)]
        assert len(answers) == 10_000
        assert len(handled) == len(messages) == len(set(second.consumed))
        assert sum(isinstance(answer, Duplicate) for answer in answers) == len(answers) - len(handled)
        for state in await second.runs():
            lines = msgspec.json.decode(state.data["lines"], type=list[str])
            assert sorted(lines) == sorted(f"{state.chat[2:]}.{line}" for line in range(20))
        report = await second.verify()
        report.demand(runs=25, inputs=525, replies=525)
        assert report.copies == 0


async def storm(home: House, deliveries: list[Inbound], random: Random) -> list[Delivery]:
    """Hand everything in, a few hundred at once, through both doors."""
    answers: list[Delivery] = []

    async def hand_in(inbound: Inbound, door: Literal["deliver", "accept"]) -> None:
        for _ in range(random.randrange(3)):
            await asyncio.sleep(0)
        answer = await home.send(inbound, rest=False, door=door)
        if door == "accept" and isinstance(answer, Handled):
            home.consumed.append(inbound.input.id)
        answers.append(answer)

    for start in range(0, len(deliveries), 250):
        async with asyncio.TaskGroup() as people:
            for inbound in deliveries[start : start + 250]:
                people.create_task(hand_in(inbound, "accept" if random.random() < 0.2 else "deliver"))
    await home.rest()
    return answers


@pytest.mark.parametrize("name", ["memory", "sqlite"])
async def test_a_triple_click_on_pay_pays_once(tmp_path: Path, name: str) -> None:
    deeds = Ledger(tmp_path / "deeds")
    async with house(registry(), stores(tmp_path)[name], ledger=deeds.path) as home:
        for line in ("/checkout", "tea", "4711"):
            await home.say(line)
        clicks = [home.press("Pay") for _ in range(3)]
        first, *others = await asyncio.gather(*(home.send(click, rest=False) for click in clicks))
        await home.rest()
        assert isinstance(first, Handled)
        assert not first.refused
        assert all(isinstance(other, Handled) and other.refused for other in others)
        assert [deed.what for deed in deeds.deeds()].count("paid 42") == 1
        (await home.verify()).demand(results=4)


async def test_the_same_click_delivered_three_times_at_once_is_one_click(tmp_path: Path) -> None:
    deeds = Ledger(tmp_path / "deeds")
    async with house(registry(), ledger=deeds.path) as home:
        for line in ("/checkout", "tea", "4711"):
            await home.say(line)
        click = home.press("Pay")
        answers = await asyncio.gather(*(home.send(click, rest=False) for _ in range(3)))
        await home.rest()
        assert [type(answer).__name__ for answer in answers] == ["Handled", "Duplicate", "Duplicate"]
        assert [deed.what for deed in deeds.deeds()].count("paid 42") == 1
        await home.verify()


async def test_inputs_of_one_conversation_are_applied_in_the_order_in_which_they_were_handed_in() -> None:
    async with house(heaps()) as home:
        await home.say("/heap")
        messages = [home.text(str(line)) for line in range(50)]
        await asyncio.gather(*(home.send(message, rest=False) for message in messages))
        await home.rest()
        state = await home.run()
        assert msgspec.json.decode(state.data["lines"], type=list[str]) == [str(line) for line in range(50)]
        await home.verify()


async def test_quick_messages_to_a_run_that_follows_a_person_keep_their_order() -> None:
    async with house(registry(), resources=[Ledger(Path("unused"))]) as home:
        await home.say("/diary")
        words = [f"word {number}" for number in range(12)]
        await asyncio.gather(*(home.send(home.text(word), rest=False) for word in words))
        await home.rest()
        state = await home.run("diary")
        assert msgspec.json.decode(state.data["lines"], type=list[str]) == words
        await home.verify()


async def test_input_that_nobody_wants_is_handed_back_each_time() -> None:
    async with house(heaps()) as home:
        inbound = home.text("nobody wants this")
        assert isinstance(await home.send(inbound), Unclaimed)
        assert isinstance(await home.send(inbound), Unclaimed)
        await home.verify()
