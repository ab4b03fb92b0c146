"""Order of acceptance is order of application, also where mailboxes hand on to each other."""

from __future__ import annotations

import asyncio
from enum import StrEnum

import msgspec

from tests.faults.house import house
from turnflow import Directive, Flow, Registry, Turn, command


class Step(StrEnum):
    WRITE = "write"


class Pages(msgspec.Struct):
    lines: list[str] = msgspec.field(default_factory=list)


def sluggish(pace: float) -> Registry:
    """A flow that follows a person through all chats and takes its time."""
    pages = Flow("pages", steps=Step, data=Pages, key="user")

    @pages.step(Step.WRITE, ask="?")
    async def write(turn: Turn[Step, Pages], answer: str) -> Directive:
        await asyncio.sleep(pace)
        turn.data.lines.append(answer)
        return turn.repeat()

    flows = Registry()
    flows.register(pages, on=[command("pages")])
    return flows


async def test_what_is_handed_on_while_the_run_is_at_work_keeps_its_order() -> None:
    async with house(sluggish(0.02)) as home:
        await home.say("/pages")
        tasks = []
        async with asyncio.TaskGroup() as people:
            for number in range(6):
                tasks.append(people.create_task(home.send(home.text(f"{number}"), rest=False)))
                await asyncio.sleep(0.005)  # each arrives while the one before is at work
        await home.rest()
        state = await home.run()
        assert msgspec.json.decode(state.data["lines"], type=list[str]) == [str(number) for number in range(6)]
        await home.verify()


async def test_accepted_input_waits_its_turn_behind_what_was_accepted_before() -> None:
    async with house(sluggish(0.02)) as home:
        await home.say("/pages")
        for number in range(6):
            await home.send(home.text(f"{number}"), rest=False, door="accept" if number % 2 else "deliver")
        await home.rest()
        state = await home.run()
        assert msgspec.json.decode(state.data["lines"], type=list[str]) == [str(number) for number in range(6)]
        await home.verify()
