"""SQLite files: older ones, newer ones, damaged ones, those of others, locked ones, full ones."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from turnflow.core.ids import MailboxId, RunId
from turnflow.errors import DamagedStore, NewerSchema, StoreUnavailable
from turnflow.ports import Accepted, RunQuery
from turnflow.stores import SqliteStore
from turnflow.stores._sql import Migration
from turnflow.stores.sqlite.schema import migrate
from turnflow.stores.sqlite.store import MIGRATIONS, QUERIES
from turnflow.testing.store_promises.subject import EVERY, LONG, commit, entry, reasons, run, turn

OLD = Path(__file__).with_name("files") / "schema_0001.sql"
M = MailboxId("m")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


async def opened(path: Path, patience: int = 5000) -> SqliteStore:
    store = SqliteStore(path, patience=patience)
    await store.open()
    return store


async def test_a_file_of_schema_1_is_read_and_written_by_the_code_of_today(path: Path) -> None:
    apsw.Connection(str(path)).execute(OLD.read_text())
    store = await opened(path)
    assert [kept.run for kept in await store.find(RunQuery())] == ["new", "old"]
    assert [waiting.id for waiting in (await store.load(MailboxId("old"))).waiting] == ["waits"]
    assert [one.entry for one in await store.journal(RunId("old"))] == [b"entry"]
    assert len((await store.due(EVERY, 100, 100)).outbox) == 1
    await store.acquire("now", EVERY, LONG)
    assert reasons(await store.commit([turn("fresh", 1)])) == [""]
    await store.close()


async def test_migrations_run_once_and_keep_what_is_there(path: Path) -> None:
    database = apsw.Connection(str(path))
    database.execute(OLD.read_text())
    further = (*MIGRATIONS, Migration(len(MIGRATIONS) + 1, "next.sql", "ALTER TABLE runs ADD COLUMN note TEXT"))
    for _ in range(2):
        migrate(database, further, QUERIES)
        assert database.pragma("user_version") == len(further)
    assert database.execute("SELECT count(*), count(note) FROM runs").fetchall() == [(2, 0)]


async def test_a_newer_file_is_refused_and_left_as_it_is(path: Path) -> None:
    await (await opened(path)).close()
    apsw.Connection(str(path)).pragma("user_version", 99)
    before = path.read_bytes()
    with pytest.raises(NewerSchema, match=r"schema 99.*upgrade"):
        await opened(path)
    assert path.read_bytes() == before


async def test_the_database_of_another_program_is_refused_and_left_as_it_is(path: Path) -> None:
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE precious (x)")
    other.close()
    with pytest.raises(DamagedStore, match="another program"):
        await opened(path)
    assert apsw.Connection(str(path)).execute("SELECT name FROM sqlite_schema").fetchall() == [("precious",)]


async def test_a_file_that_is_no_database_is_told_with_its_name(path: Path) -> None:
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(DamagedStore, match=str(path)):
        await opened(path)


async def test_a_damaged_file_is_told_when_the_damage_is_met(path: Path) -> None:
    store = await opened(path)
    await store.acquire("now", EVERY, LONG)
    for number in range(1, 200):
        await store.commit([turn("m", number)])
    await store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xaa" * (size - 8192))
    store = await opened(path)
    with pytest.raises(DamagedStore, match="backup"):
        await store.find(RunQuery())
    await store.close()


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="folder exists"):
        await opened(tmp_path / "nowhere" / "store.db")


async def test_a_store_that_is_not_open_says_so(path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="open"):
        await SqliteStore(path).load(M)


async def test_a_locked_file_is_waited_for_without_holding_up_the_loop(path: Path) -> None:
    store = await opened(path)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.TaskGroup() as group:
        accepting = group.create_task(store.accept([entry("m", "a")]))
        for _ in range(20):
            await asyncio.sleep(0.001)  # the loop goes round meanwhile
        assert not accepting.done()
        other.execute("ROLLBACK")
    assert accepting.result() == [Accepted(1)]
    await store.close()


async def test_a_file_that_stays_locked_is_unavailable_and_then_usable_again(path: Path) -> None:
    store = await opened(path, patience=30)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.accept([entry("m", "a")])
    assert (await store.load(M)).seq == 0
    other.execute("ROLLBACK")
    assert await store.accept([entry("m", "a")]) == [Accepted(1)]
    await store.close()


async def test_a_full_disk_is_unavailable_and_then_usable_again(path: Path) -> None:
    store = await opened(path)
    await store.acquire("now", EVERY, LONG)
    await store.commit([turn("m", 1)])
    connection = store._open().database.connection
    connection.pragma("max_page_count", connection.pragma("page_count"))
    large = commit(received=[entry("m", "large", seq=2)], runs=[run("r", state=bytes(100_000))])
    with pytest.raises(StoreUnavailable, match="full"):
        await store.commit([turn("n", 1), large])
    connection.pragma("max_page_count", 1_000_000)
    assert (await store.load(M)).seq == 1
    assert reasons(await store.commit([turn("n", 1), large])) == ["", ""]
    await store.close()


async def test_an_id_that_was_not_cleaned_spoils_only_its_own_call(path: Path) -> None:
    store = await opened(path)
    with pytest.raises(UnicodeEncodeError):
        await store.accept([entry("m", "fine"), entry("m", "\ud800")])
    assert await store.accept([entry("m", "fine")]) == [Accepted(1)]
    await store.close()
