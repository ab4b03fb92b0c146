"""Channels that fail: definite failures are retried in order, unknown outcomes are marked, what is dead blocks nobody."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.faults.driving import FLOWS
from tests.faults.house import House, house, stores
from tests.faults.ledger import Ledger
from turnflow.core.ids import ConversationId
from turnflow.engine import sender
from turnflow.errors import RetryLater, Undeliverable
from turnflow.ports import Line

LEDGER = Ledger(Path("unused"))


async def later(home: House, times: int = 12) -> None:
    """Let so much time pass that everything has been tried again that often."""
    for _ in range(times):
        await home.wait(seconds=sender.MAX_DELAY)


async def rows(home: House, chat: str = "1") -> list[Line]:
    return [line for line in await home.store.history(ConversationId(f"t:{chat}")) if line.index >= 0]


async def test_a_definite_failure_is_retried_and_nothing_overtakes_it() -> None:
    async with house(FLOWS, resources=[LEDGER]) as home:
        home.bot.fail(RetryLater(0.01), times=3)
        await home.send(home.text("/signup"), rest=False)
        await home.send(home.text("Ada"), rest=False)
        await home.send(home.text("lots"), rest=False)
        await later(home)
        assert home.texts() == ["Name?", "Age?", "1 to 130, please."]
        assert [(line.status, line.doubtful) for line in await rows(home)] == [("sent", False)] * 3
        assert home.bot.copies() == 0
        await home.verify()


async def test_a_failing_conversation_does_not_hold_up_others() -> None:
    async with house(FLOWS, resources=[LEDGER]) as home:
        home.bot.fail(RetryLater(30), times=1)
        await home.send(home.text("/signup", chat="1"), rest=False)
        await home.rest()
        assert home.bot.attempts == 1
        await home.say("/signup", chat="2")
        assert (home.texts("1"), home.texts("2")) == ([], ["Name?"])
        await home.wait(seconds=29.9)
        assert home.texts("1") == [], "it obeys what the channel asks for"
        await home.wait(seconds=0.1)
        assert home.texts("1") == ["Name?"]
        await home.verify()


async def test_what_can_never_be_delivered_is_dead_and_stops_blocking_its_successors() -> None:
    async with house(FLOWS, resources=[LEDGER]) as home:
        home.bot.fail(Undeliverable("blocked by the user"))
        await home.say("/signup")
        await home.say("Ada")
        assert home.texts() == ["Age?"]
        assert [line.status for line in await rows(home)] == ["dead", "sent"]
        await home.verify()


async def test_after_too_many_failures_a_reply_is_given_up_and_the_next_one_goes_out() -> None:
    async with house(FLOWS, resources=[LEDGER]) as home:
        home.bot.fail(ConnectionError("gone"), times=sender.ATTEMPTS)
        await home.send(home.text("/signup"), rest=False)
        await home.send(home.text("Ada"), rest=False)
        await later(home)
        assert home.texts() == ["Age?"]
        assert [(line.status, line.doubtful) for line in await rows(home)] == [("dead", True), ("sent", False)]
        await home.verify()


@pytest.mark.parametrize("delivered", [True, False])
async def test_an_unknown_outcome_is_sent_again_and_marked_as_possibly_double(delivered: bool) -> None:
    async with house(FLOWS, resources=[LEDGER]) as home:
        home.bot.fail(ConnectionError("broke in the middle"), times=2, delivered=delivered)
        await home.say("/signup")
        await home.say("Ada")
        await later(home)
        assert home.texts() == ["Name?", "Age?"]
        assert home.bot.copies() == (2 if delivered else 0)
        assert [(line.status, line.doubtful) for line in await rows(home)] == [("sent", True), ("sent", False)]
        report = await home.verify()
        assert report.doubtful == 1


@pytest.mark.parametrize("name", ["memory", "sqlite"])
async def test_replies_without_a_channel_wait_for_it_across_restarts(tmp_path: Path, name: str) -> None:
    store = stores(tmp_path)[name]
    async with house(FLOWS, store, resources=[LEDGER]) as home:
        home.engine.disconnect(home.bot)
        await home.say("/signup")
        await home.say("Ada")
        assert home.bot.sent == []
        await home.verify()
    async with house(FLOWS, store, clock=home.clock, bot=home.bot, resources=[LEDGER]) as again:
        assert again.texts() == ["Name?", "Age?"]
        assert again.bot.copies() == 0
        await again.verify()


async def test_a_thousand_failures_of_every_kind_lose_no_reply_and_mark_every_copy() -> None:
    random = Random(11)
    async with house(FLOWS, resources=[LEDGER]) as home:
        for chat in range(60):
            for line in ("/signup", "Ada", "lots", "36"):
                if random.random() < 0.6:
                    error = random.choice([RetryLater(0.001), ConnectionError("?"), TimeoutError("?")])
                    home.bot.fail(error, delivered=not isinstance(error, RetryLater) and random.random() < 0.5)
                await home.send(home.text(line, chat=str(chat)), rest=False)
        await later(home)
        for chat in range(60):
            assert home.texts(str(chat)) == ["Name?", "Age?", "1 to 130, please.", "Ada, 36?"]
        report = await home.verify()
        report.demand(replies=240, copies=20, doubtful=40)
