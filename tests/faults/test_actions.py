"""Actions: recorded once, at least once in the world, always under the same key."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.driving import FLOWS, Killer, Place, play
from tests.faults.house import house
from tests.faults.ledger import Ledger
from tests.faults.sweep import Hit, forked, judge, run
from turnflow.core.ids import InputId, MailboxId
from turnflow.engine.payloads import Arrived, encode
from turnflow.ports import Commit, CommitOutcome, Handled, Inbound, InboxRecord, RunQuery
from turnflow.stores import MemoryStore, open_store

SCENARIO = "checkout pays once"


async def recorded(folder: Path) -> dict[str, bytes]:
    store = open_store(Place(folder).store)
    await store.open()
    try:
        runs = await store.find(RunQuery(limit=100))
        return {f"{run.run}/{result.key}": result.value for run in runs for result in await store.results(run.run, "")}
    finally:
        await store.close()


@pytest.mark.crash
@pytest.mark.parametrize(
    ("kill", "payments"),
    [
        (("action.before", 1), 1),  # nothing has happened yet
        (("action.after", 1), 2),  # paid, but nobody knows: at least once, under the same key
        (("action.recorded", 1), 1),  # on record, though the turn is not committed
        (("action.before", 2), 1),
        (("action.recorded", 2), 1),
    ],
)
def test_a_payment_is_repeated_only_if_the_kill_came_before_its_record(
    tmp_path: Path, kill: Hit, payments: int
) -> None:
    assert run(tmp_path, SCENARIO, kill)
    before = asyncio.run(recorded(tmp_path))
    assert not run(tmp_path, SCENARIO)
    deeds = Ledger(Place(tmp_path).ledger).deeds()
    assert [deed.what for deed in deeds].count("paid 42") == payments
    assert len({deed.key for deed in deeds if deed.what == "paid 42"}) == 1
    after = asyncio.run(recorded(tmp_path))
    assert before.items() <= after.items()
    assert len(after) == 4
    asyncio.run(judge(tmp_path, None, at_rest=True))


@pytest.mark.crash
def test_killed_between_the_record_and_the_commit_the_run_goes_on_by_itself(tmp_path: Path) -> None:
    """The input was made durable with the result: nobody has to send it again."""
    assert run(tmp_path, SCENARIO, ("action.recorded", 1))

    def restart() -> None:
        asyncio.run(play(Place(tmp_path), SCENARIO, Killer(), taken_up=lambda: signal.raise_signal(signal.SIGKILL)))

    assert forked(restart, tmp_path / "trouble") == signal.SIGKILL
    deeds = [deed.what for deed in Ledger(Place(tmp_path).ledger).deeds()]
    assert deeds == ["paid 42", "shipped", "payment completed", "checkout completed"]
    asyncio.run(judge(tmp_path, None, at_rest=True))


class Busybody(MemoryStore):
    """Another process puts something into the conversation between the start of a turn and the record of its action."""

    meddles = False

    async def commit(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        if self.meddles and any(commit.results for commit in commits):
            self.meddles = False
            entry = InboxRecord(MailboxId("t:1"), 0, InputId("elsewhere"), encode(Arrived(self.inbound)), 0)
            await self.accept([entry])
        return await super().commit(commits)

    inbound: Inbound


async def test_an_action_is_recorded_once_although_others_write_to_the_mailbox_meanwhile(tmp_path: Path) -> None:
    store = Busybody()
    async with house(FLOWS, store, ledger=tmp_path / "deeds") as home:
        for line in ("/checkout", "tea", "4711"):
            await home.say(line)
        store.inbound, store.meddles = home.press("Pay", id="elsewhere"), True
        assert isinstance(await home.send(home.press("Pay")), Handled)
        assert [deed.what for deed in Ledger(tmp_path / "deeds").deeds()].count("paid 42") == 1
        assert (await home.run("checkout")).status == "completed"
        await home.wait(seconds=2)
        await home.verify()


async def test_a_run_started_twice_under_one_key_is_one_run(tmp_path: Path) -> None:
    async with house(FLOWS, ledger=tmp_path / "deeds") as home:
        ids = await asyncio.gather(*(home.engine.start("errand", {"what": "once"}, key="k") for _ in range(5)))
        await home.rest()
        assert len(set(ids)) == 1
        assert [deed.what for deed in Ledger(tmp_path / "deeds").deeds()] == ["once"]
        await home.verify()
