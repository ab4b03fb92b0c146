"""Replies leave, whatever a channel or the store does in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tests.engine.talk import make_flow, make_registry
from tests.faults.house import house
from turnflow.engine import SystemClock
from turnflow.errors import RetryLater, StoreUnavailable
from turnflow.ports import Commit, CommitOutcome, Outbound
from turnflow.stores import MemoryStore
from turnflow.testing.bot import RecordedBot


class Interrupted(RecordedBot):
    """Waits for something that somebody else cancelled."""

    interrupted = False

    async def send(self, outbound: Outbound) -> str:
        if not self.interrupted:
            self.interrupted = True
            connection: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            connection.cancel()
            await connection
        return await super().send(outbound)


async def test_a_channel_whose_connection_was_cancelled_is_tried_again_and_holds_up_nobody() -> None:
    async with house(make_registry(), bot=Interrupted("t:")) as home:
        await home.say("/start")
        await home.wait(seconds=1)
        assert home.texts() == ["First?"]


async def test_a_reply_waits_as_long_as_the_channel_asks_for() -> None:
    bot = RecordedBot("t:")
    bot.fail(RetryLater(3600))
    async with house(make_registry(), bot=bot) as home:
        await home.say("/start")
        await home.wait(minutes=59)
        assert bot.attempts == 1
        await home.wait(minutes=2)
        assert home.texts() == ["First?"]


class Unsure(MemoryStore):
    """Writes, and then does not know whether it has."""

    about: Callable[[Commit], bool] | None = None

    async def commit(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        outcomes = await super().commit(commits)
        if self.about is not None and any(self.about(commit) for commit in commits):
            self.about = None
            raise StoreUnavailable("who knows")
        return outcomes


async def test_what_a_run_says_in_another_conversation_is_sent_although_its_commit_had_an_unknown_outcome() -> None:
    store = Unsure()
    store.about = lambda commit: bool(commit.outbox and not commit.journal)
    async with house(make_registry(make_flow(key="user")), store, clock=SystemClock()) as home:
        await home.say("/start")
        assert store.about is None
        assert home.texts() == ["First?"]
        assert home.bot.copies() == 0
