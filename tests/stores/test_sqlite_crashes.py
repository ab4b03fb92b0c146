"""SQLite under kill -9: everything acknowledged is there, and nobody waits for the dead."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from turnflow.core.ids import ConversationId, MailboxId, RunId
from turnflow.ports import Lease
from turnflow.stores import CRASH_POINTS, SqliteStore
from turnflow.testing.store_promises.subject import EVERY, LONG, entry, turn

CHILD = Path(__file__).with_name("committing_child.py")
M = MailboxId("m")


@contextmanager
def child(path: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Start a process that commits turn after turn and prints the number of each that was acknowledged."""
    command = [sys.executable, str(CHILD), str(path), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


@pytest.mark.crash
@pytest.mark.parametrize("after", [0.0, 0.01, 0.05, 0.2, 0.4])
async def test_what_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path, after: float) -> None:
    path = tmp_path / "store.db"
    with child(path) as (process, output):
        first = int(output.readline())
        time.sleep(after)
        process.kill()
        acknowledged = [first, *(int(line) for line in output.read().split("\n")[:-1])]
    assert process.returncode == -signal.SIGKILL
    store = SqliteStore(path)
    await store.open()
    mailbox = await store.load(M)
    assert acknowledged[-1] <= mailbox.seq <= acknowledged[-1] + 1
    assert mailbox.runs[0].revision == mailbox.seq
    assert [one.revision for one in await store.journal(RunId("m"), limit=100_000)] == list(range(1, mailbox.seq + 1))
    assert len(await store.history(ConversationId("m"), limit=100_000)) == 2 * mailbox.seq
    await store.close()


@pytest.mark.crash
@pytest.mark.parametrize("point", CRASH_POINTS)
async def test_a_kill_at_any_named_point_leaves_the_whole_or_nothing(tmp_path: Path, point: str) -> None:
    path = tmp_path / "store.db"
    with child(path, point) as (process, output):
        reached = output.read().split()
        assert process.wait() == -signal.SIGKILL, "the point was passed"
    store = SqliteStore(path)
    await store.open()
    mailbox = await store.load(M)
    assert len(await store.journal(RunId("m"))) == mailbox.seq
    assert mailbox.seq >= len([word for word in reached if word.isdecimal()])
    if point.startswith("store.commit"):
        assert mailbox.seq == (1 if point.endswith("after_durable") else 0)
    await store.acquire("next", EVERY, LONG)
    await store.close()


@pytest.mark.crash
async def test_the_partitions_of_a_killed_process_are_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = SqliteStore(path)
    with child(path) as (process, output):
        output.readline()
        await store.open()
        assert await store.acquire("next", EVERY, LONG) == [], "it is alive"
        process.kill()
        process.wait()
        assert await store.acquire("next", EVERY, LONG) == [Lease(partition, 2, True) for partition in EVERY]
    await store.close()
    assert not list(tmp_path.glob("*-life-*")), "signs of life are cleared away"


async def test_named_points_are_all_called_and_no_others(tmp_path: Path) -> None:
    called: list[str] = []
    store = SqliteStore(tmp_path / "store.db", crash=called.append)
    await store.open()
    await store.acquire("now", EVERY, LONG)
    await store.accept([entry("n", "a")])
    await store.commit([turn("m", 1)])
    await store.retake(MailboxId("n"), [1])
    await store.renew("now", LONG)
    await store.purge(0, 1)
    await store.release("now")
    await store.close()
    assert list(dict.fromkeys(called)) == list(CRASH_POINTS)
