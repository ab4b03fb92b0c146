"""Rows that cannot be read: set aside, kept as they are, visible, and nobody else's problem."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace

from tests.faults.house import House, house, stores
from tests.faults.test_deliveries import heaps
from turnflow import Texts
from turnflow.core.ids import ConversationId, InputId, MailboxId, RunId
from turnflow.errors import UndecodableRow
from turnflow.ports import Handled, InboxRecord, RunQuery, Store
from turnflow.stores import MemoryStore
from turnflow.testing.findings import InvariantsBroken

STORES = pytest.mark.parametrize("name", ["memory", "sqlite"])
GARBAGE = b'{"run":"x","cursors":[{"id":"zero"}]} and then \xff'


def write_state(store: Store, folder: Path, run: RunId, state: bytes) -> None:
    """Overwrite the snapshot of a run, as a failing disk or another program would."""
    if isinstance(store, MemoryStore):
        store._runs[run] = replace(store._runs[run], state=state)
    else:
        apsw.Connection(str(folder / "turns.db")).execute("UPDATE runs SET state = ? WHERE run = ?", (state, run))


def write_entry(store: Store, folder: Path, run: RunId, revision: int, entry: bytes) -> None:
    """Overwrite a journal entry."""
    if isinstance(store, MemoryStore):
        store._journal[run][revision] = replace(store._journal[run][revision], entry=entry)
    else:
        query = "UPDATE log SET payload = ? WHERE run = ? AND seq = ?"
        apsw.Connection(str(folder / "turns.db")).execute(query, (entry, run, revision))


async def prepared(store: Store) -> tuple[House, RunId, bytes]:
    """Two people in one room and one in another; the first one's run is what will be damaged."""
    async with house(heaps(), store) as home:
        for who, chat in (("ann", "1"), ("bob", "1"), ("eve", "2")):
            await home.say("/heap", by=who, chat=chat)
            await home.say("first", by=who, chat=chat)
        (run,) = [state.run for state in await home.runs() if state.user == "ann"]
        (row,) = await store.find(RunQuery(run=run))
        await home.verify()
        return home, run, row.state


@STORES
async def test_a_run_whose_row_cannot_be_read_is_stuck_its_bytes_stay_and_others_go_on(
    tmp_path: Path, name: str
) -> None:
    store = stores(tmp_path)[name]
    home, run, good = await prepared(store)
    async with house(heaps(), store, clock=home.clock, bot=home.bot) as again:
        write_state(store, tmp_path, run, GARBAGE)
        assert isinstance(await again.say("second", by="bob"), Handled)
        assert isinstance(await again.say("second", by="eve", chat="2"), Handled)
        (row,) = await store.find(RunQuery(run=run))
        assert (row.status, row.state) == ("stuck", GARBAGE)
        with pytest.raises(UndecodableRow):
            await again.engine.inspect(run)
        await again.verify(damaged=[run])
    async with house(heaps(), store, clock=home.clock, bot=home.bot) as later:
        write_state(store, tmp_path, run, good)
        assert isinstance(await later.say("second"), Handled)
        assert (await later.engine.inspect(run)).status == "waiting"
        await later.verify()


@STORES
@pytest.mark.parametrize("words", ["hello?", "/heap"])
async def test_what_the_person_says_meanwhile_is_answered_kept_and_applied_once_the_row_is_repaired(
    tmp_path: Path, name: str, words: str
) -> None:
    store = stores(tmp_path)[name]
    home, run, good = await prepared(store)
    async with house(heaps(), store, clock=home.clock, bot=home.bot) as again:
        write_state(store, tmp_path, run, GARBAGE)
        answer = await again.say(words)
        assert isinstance(answer, Handled), answer
        assert again.texts()[-1] == Texts().stuck
        said = len(again.texts())
        await again.wait_polls(10)
        assert len(again.texts()) == said, "it is said once"
    async with house(heaps(), store, clock=home.clock, bot=home.bot) as still:
        await still.wait_polls(3)
        assert len(still.texts()) == said
    write_state(store, tmp_path, run, good)
    async with house(heaps(), store, clock=home.clock, bot=home.bot) as later:
        state = await later.engine.inspect(run)
        assert state.status == "waiting"
        assert ("hello?" in bytes(state.data["lines"]).decode()) == (words == "hello?")
        assert later.texts()[-1] == "More?"
        await later.verify()


@STORES
async def test_an_inbox_entry_that_cannot_be_read_is_left_alone_and_what_follows_is_handled(
    tmp_path: Path, name: str
) -> None:
    store = stores(tmp_path)[name]
    home, _, _ = await prepared(store)
    entry = InboxRecord(MailboxId("t:1"), 0, InputId("rotten"), GARBAGE, home.clock.now())
    await store.open()
    await store.accept([entry])
    await store.close()
    for _ in range(2):
        async with house(heaps(), store, clock=home.clock, bot=home.bot) as again:
            await again.wait_polls(3)
            assert isinstance(await again.say("on"), Handled)
            (left,) = (await store.load(MailboxId("t:1"))).waiting
            assert (left.id, left.payload) == ("rotten", GARBAGE)
            await again.verify(kept=["rotten"])


@STORES
async def test_a_journal_entry_that_cannot_be_read_stops_nobody_and_the_checker_names_it(
    tmp_path: Path, name: str
) -> None:
    store = stores(tmp_path)[name]
    home, run, _ = await prepared(store)
    write_entry(store, tmp_path, run, 1, GARBAGE)
    async with house(heaps(), store, clock=home.clock, bot=home.bot) as again:
        assert isinstance(await again.say("on"), Handled)
        assert (await again.engine.inspect(run)).revision == 3
        again.consumed.clear()  # who consumed what stands in the journal
        with pytest.raises(InvariantsBroken, match=rf"rows can be read: run {run}"):
            await again.verify()
        await again.verify(damaged=[run])


@STORES
async def test_a_reply_that_cannot_be_read_is_dead_and_does_not_block_its_successors(tmp_path: Path, name: str) -> None:
    store = stores(tmp_path)[name]
    async with house(heaps(), store) as home:
        home.engine.disconnect(home.bot)
        await home.say("/heap")
        await home.say("one")
    if isinstance(store, MemoryStore):
        first = store._outbox["t:1"][1, 0]
        store._outbox["t:1"][1, 0] = replace(first, payload=GARBAGE)
    else:
        query = "UPDATE log SET payload = ? WHERE place = 't:1' AND run = '' AND seq = 1 AND idx = 0"
        apsw.Connection(str(tmp_path / "turns.db")).execute(query, (GARBAGE,))
    async with house(heaps(), store, clock=home.clock, bot=home.bot) as again:
        assert again.texts() == ["More?"]
        lines = [line for line in await store.history(ConversationId("t:1")) if line.index >= 0]
        assert [line.status for line in lines] == ["dead", "sent"]
        assert lines[0].payload == GARBAGE
        await again.verify()
