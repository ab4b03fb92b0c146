"""Start-up costs what is due, not what waits."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from turnflow import Directive, Flow, Registry, Turn, command, hours, open_engine
from turnflow.core.ids import At, ConversationId, MailboxId
from turnflow.core.inputs import typed
from turnflow.ports import Due, Handled, Inbound, Mailbox, RunQuery, RunRecord
from turnflow.stores import SqliteStore, open_store

WAITING = 300


class Step(StrEnum):
    NAME = "name"
    CITY = "city"


def make_registry() -> Registry:
    flow: Flow[Step, None] = Flow("person", steps=Step)

    @flow.step(Step.NAME, ask="Name?", timeout=hours(24 * 30), on_timeout="cancel")
    async def name(turn: Turn[Step, None], answer: str) -> Directive:
        return turn.next(Step.CITY)

    @flow.step(Step.CITY, ask="City?")
    async def city(turn: Turn[Step, None], answer: str) -> Directive:
        return turn.complete(answer)

    registry = Registry()
    registry.register(flow, on=[command("start")])
    return registry


def sent(number: int, id: str, text: str) -> Inbound:
    return Inbound(ConversationId(f"t:{number}"), typed(text, id=f"{number}/{id}", sender=f"u{number}", at=1))


class Watched(SqliteStore):
    """The real store, which also counts the rows it hands out."""

    rows = 0
    loads = 0

    async def load(self, mailbox: MailboxId) -> Mailbox:
        self.loads += 1
        return await super().load(mailbox)

    async def due(self, partitions: Sequence[int], before: At, limit: int) -> Due:
        due = await super().due(partitions, before, limit)
        self.rows += len(due.timers) + len(due.mailboxes) + len(due.outbox)
        return due

    async def find(self, query: RunQuery) -> list[RunRecord]:
        rows = await super().find(query)
        self.rows += len(rows)
        return rows


async def test_start_up_reads_no_run_that_only_waits(tmp_path: Path) -> None:
    path = tmp_path / "waiting.db"
    async with open_engine(make_registry(), store=f"sqlite:///{path}") as engine:
        engine.connect(Silent())
        for number in range(WAITING):
            assert isinstance(await engine.deliver(sent(number, "1", "/start")), Handled)
        await engine.settled()
    store = Watched(path)
    async with open_engine(make_registry(), store=store) as engine:
        assert (store.rows, store.loads) == (0, 0)
        assert isinstance(await engine.deliver(sent(7, "2", "Ada")), Handled)
        assert store.loads == 1


async def test_a_new_version_of_the_code_meets_waiting_runs_only_when_they_are_touched(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'deploy.db'}"
    async with open_engine(make_registry(), store=url) as engine:
        await engine.deliver(sent(1, "1", "/start"))
    store = open_store(url)
    async with open_engine(Registry(), store=store) as engine:
        assert [row.status for row in await store.find(RunQuery())] == ["waiting"]


class Silent:
    """A channel that delivers everything to nobody."""

    prefix = "t:"

    async def send(self, outbound: object) -> str:
        return ""
