"""A small memory changes nothing but speed: conversations are forgotten and read again between any two turns."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.driving import FLOWS
from tests.faults.house import House, house, stores
from tests.faults.ledger import Ledger
from turnflow.engine.payloads import decode_reply
from turnflow.ports import Handled
from turnflow.testing.evidence import gather


async def day(home: House) -> None:
    """People in twelve rooms do a little of everything, in turns."""
    chats = [str(chat) for chat in range(12)]
    lines = {0: ("/signup", "Ada", "lots"), 1: ("/checkout", "tea", "4711"), 2: ("/diary", "one", "two")}
    for turn in range(4):
        for chat in chats:
            wanted = lines[int(chat) % 3]
            if turn < len(wanted):
                await home.say(wanted[turn], chat=chat, by=f"p{chat}")
    for chat in chats:
        if int(chat) % 3 == 1:
            assert isinstance(await home.send(home.press("Pay", chat=chat, by=f"p{chat}")), Handled)
    await home.wait(hours=2)


async def story(home: House) -> list[tuple[str, str]]:
    evidence = await gather(home.store)
    return sorted((conversation, decode_reply(line.payload).message.text) for conversation, line in evidence.replies)


@pytest.mark.parametrize("name", ["memory", "sqlite"])
async def test_a_memory_of_two_conversations_tells_the_same_story(tmp_path: Path, name: str) -> None:
    stories = []
    for limit in (2, 10_000):
        (tmp_path / str(limit)).mkdir()
        async with house(
            FLOWS, stores(tmp_path / str(limit))[name], ledger=tmp_path / f"deeds{limit}", hot_limit=limit
        ) as home:
            await day(home)
            if limit == 2:
                assert len(home.process.hot) <= 4
            stories.append(
                (await story(home), sorted(deed.what for deed in Ledger(tmp_path / f"deeds{limit}").deeds()))
            )
            (await home.verify()).demand(runs=16, results=16, fired=4)
    assert stories[0] == stories[1]


async def test_everybody_talking_at_once_in_a_memory_of_two_keeps_all_promises(tmp_path: Path) -> None:
    async with house(FLOWS, stores(tmp_path)["sqlite"], ledger=tmp_path / "deeds", hot_limit=2) as home:
        chats = [str(chat) for chat in range(60)]
        for line in ("/diary", "one", "two", "three"):
            said = [home.text(line, chat=chat, by=f"p{int(chat) % 30}") for chat in chats]
            await asyncio.gather(
                *(
                    home.send(inbound, rest=False, door="accept" if number % 4 else "deliver")
                    for number, inbound in enumerate(said)
                )
            )
        await home.rest()
        (await home.verify()).demand(runs=30, inputs=200)
