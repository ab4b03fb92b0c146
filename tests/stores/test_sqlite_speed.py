"""What keeps SQLite fast: no query reads what waits, a commit costs the same on a large file, the log stays short."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from itertools import pairwise
from pathlib import Path

import apsw
import pytest

from turnflow.core.ids import MailboxId
from turnflow.ports import RunQuery
from turnflow.stores import SqliteStore
from turnflow.stores.sqlite import checkpoint
from turnflow.stores.sqlite.happenings import Happenings
from turnflow.stores.sqlite.store import MIGRATIONS, QUERIES
from turnflow.testing.store_promises.subject import EVERY, LONG, commit, reasons, run, timer, turn

SMALL = {"renew", "release", "now", "any_table", "find_by_run"}
"""Queries on a table of 64 rows, or none."""

SORTED = {"find_by_mailbox", "find_rare", "subscribers", "events_like_of_key"}
"""Queries that sort the few rows they have found: of one mailbox, of one topic, of one correlation key."""


@pytest.mark.parametrize("name", sorted(set(QUERIES) - SMALL))
def test_no_query_scans_a_table(name: str) -> None:
    database = apsw.Connection(":memory:")
    Happenings(database, QUERIES)  # brings a function of its own
    for migration in MIGRATIONS:
        database.execute(migration.script)
    query = QUERIES[name]
    named = dict.fromkeys(re.findall(r":(\w+)", query))
    count = max([int(number) for number in re.findall(r"\?(\d+)", query)], default=query.count("?"))
    plan = database.execute(f"EXPLAIN QUERY PLAN {query}", named or (None,) * count).fetchall()
    steps = [str(row[3]) for row in plan]
    assert not [step for step in steps if step.startswith("SCAN") and "json_each" not in step], steps
    order = [step for step in steps if "TEMP B-TREE FOR ORDER BY" in step]
    assert not order or name in SORTED, steps


async def steps(store: SqliteStore, work: Awaitable[object]) -> int:
    """Return roughly how many instructions SQLite took for something."""
    ticks = 0

    def tick() -> bool:
        nonlocal ticks
        ticks += 1
        return False

    connection = store._open().database.connection
    connection.set_progress_handler(tick, 10)
    await work
    connection.set_progress_handler(None)
    return ticks * 10


async def test_due_work_and_commits_cost_the_same_however_many_runs_wait(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db", synchronous="normal")
    await store.open()
    await store.acquire("now", EVERY, LONG)
    costs: list[tuple[int, int, int, int]] = []
    for round in range(4):
        waiting = [
            commit(name, runs=[run(name, mailbox=name)], timers_set=[timer(name, "t", LONG, mailbox=name)])
            for name in (f"w{round}-{number}" for number in range(2500 * (round > 0)))
        ]
        assert not any(reasons(await store.commit(waiting)))
        number = round + 1
        costs.append(
            (
                await steps(store, store.commit([turn("m", number)])),
                await steps(store, store.due(EVERY, 1000, 100)),
                await steps(store, store.load(MailboxId("m"))),
                await steps(store, store.find(RunQuery(status=("stuck", "blocked")))),
            )
        )
    assert len(await store.find(RunQuery(limit=10_000))) == 7501
    for first, last in zip(costs[1], costs[-1], strict=True):
        assert last <= first + 50
    await store.close()


async def test_a_commit_costs_the_same_however_long_the_journal_is(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db", synchronous="normal")
    await store.open()
    await store.acquire("now", EVERY, LONG)
    costs = [await steps(store, store.commit([turn("m", number)])) for number in range(1, 2001)]
    assert max(costs[-100:]) <= costs[1] + 20
    await store.close()


async def test_the_log_is_folded_in_when_it_is_quiet(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db", synchronous="normal")
    await store.open()
    await store.acquire("now", EVERY, LONG)
    number = 0
    while store._open().database.checkpoints.pages < checkpoint.WORTHWHILE:
        number += 1
        await store.commit([turn("m", number)])
    await asyncio.sleep(checkpoint.QUIET * 4)
    await store.commit([turn("m", number + 1)])
    assert store._open().database.checkpoints.pages < 20, "the log began anew"
    await store.close()


async def test_the_log_stays_short_under_steady_load(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db", synchronous="normal")
    await store.open()
    await store.acquire("now", EVERY, LONG)
    lengths = [0]
    for number in range(1, 200):
        await store.commit([turn(f"m{mailbox}", number) for mailbox in range(32)])
        await asyncio.sleep(0)
        lengths.append(store._open().database.checkpoints.pages)
    began_anew = [now for before, now in pairwise(lengths) if now < before]
    assert len(began_anew) >= 2
    assert max(lengths) >= checkpoint.LONG, "not more often than needed"
    await store.close()
