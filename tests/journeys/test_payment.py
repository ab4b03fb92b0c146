"""Money moves once: whatever is clicked, and wherever the process dies."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest

from turnflow import Directive, Flow, Registry, Turn, action, command
from turnflow.ports import ActionContext, RunQuery
from turnflow.testing import Rehearsal


class Step(StrEnum):
    PAY = "pay"


class Bank:
    """Remembers what it was asked to do, under the keys it was asked with."""

    def __init__(self) -> None:
        self.asked: list[str] = []


@action
async def charge(amount: int, bank: Bank, context: ActionContext) -> str:
    bank.asked.append(context.key)
    return f"receipt {len(bank.asked)} for {amount}"


paying = Flow("paying", steps=Step)


@paying.step(Step.PAY, ask="Pay 10?")
async def pay(turn: Turn[Step, None], answer: Literal["pay"]) -> Directive:
    receipt = await turn.call_action(charge, 10)
    turn.say(receipt)
    return turn.complete(receipt)


registry = Registry()
registry.register(paying, on=[command("start")])
registry.register_action(charge)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/journey.db"


async def recorded(play: Rehearsal) -> int:
    (run,) = await play.store.find(RunQuery(flow=paying.build().definition.name))
    return len(await play.store.results(run.run, ""))


async def test_three_clicks_at_once_are_one_payment(store: str) -> None:
    bank = Bank()
    async with Rehearsal(registry, store=store, resources=[bank]) as play:
        await play.say("/start")
        await play.race("[pay]", "[pay]", "[pay]")
        assert play.replies == [
            "receipt 1 for 10",
            "This button is no longer active.",
            "This button is no longer active.",
        ]
        assert len(bank.asked) == 1
        await play.check()


@pytest.mark.parametrize(
    ("point", "asked"),
    [
        ("turn.before_handler", 1),
        ("action.before", 1),
        ("action.after", 2),
        ("action.recorded", 1),
        ("turn.after_handler", 1),
        ("turn.before_commit", 1),
        ("turn.after_commit", 1),
    ],
)
async def test_a_payment_is_recorded_once_wherever_the_process_dies(store: str, point: str, asked: int) -> None:
    bank = Bank()
    async with Rehearsal(registry, store=store, resources=[bank]) as play:
        await play.say("/start")
        play.crash(point)
        await play.race("[pay]", "[pay]", "[pay]")
        await play.restart()
        assert play.fuse.blown == [point]
        assert [len(bank.asked), len(set(bank.asked))] == [asked, 1], "the bank sees one key, however often it is asked"
        assert await recorded(play) == 1
        assert [ending.outcome for ending in await play.endings()] == ["completed"]
        assert [text for text in play.person.texts if text.startswith("receipt")] == [f"receipt {asked} for 10"]
        (await play.check()).demand(results=1, ended=1)
