"""What a commit costs in each store beside the raw limit of plain apsw, measured in the same run.

A turn here is what the engine writes: a new inbox entry already consumed, the run's next revision, a journal entry, a reply that
is `sending`, and the receipt of an earlier reply of another mailbox. Rounds of both alternate; the table shows medians.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import raw
from bench.report import Row, report
from turnflow.core.ids import ConversationId, EffectKey, FlowName, InputId, MailboxId, RunId
from turnflow.ports import (
    PARTITIONS,
    Commit,
    Committed,
    InboxRecord,
    JournalRecord,
    OutboxRecord,
    Receipt,
    RunRecord,
    Store,
    partition_of,
)
from turnflow.stores import MemoryStore, SqliteStore

ROUNDS = 5


def turn(name: str, number: int, other: str) -> Commit:
    """Return the commit of one turn of one conversation, with the receipt of another one's last reply."""
    mailbox, run = MailboxId(name), RunId(name)
    receipts = () if number == 1 else (Receipt(ConversationId(other), number - 1, 0, "sent", str(number), 1),)
    return Commit(
        mailbox,
        partition_of(mailbox),
        1,
        received=(InboxRecord(mailbox, number, InputId(f"{name}:{number}"), raw.INPUT, number, consumed=True),),
        runs=(RunRecord(run, mailbox, number, "waiting", FlowName("signup"), 1, name, None, raw.STATE, number),),
        journal=(JournalRecord(run, number, raw.ENTRY, number),),
        outbox=(OutboxRecord(ConversationId(name), number, 0, EffectKey(f"{name}/{number}.0"), raw.REPLY, number),),
        receipts=receipts,
    )


async def measure(store: Store, group: int, turns: int) -> float:
    """Return microseconds per turn with `group` conversations committed together."""
    await store.open()
    await store.acquire("bench", range(PARTITIONS), 3_600_000)
    names = [f"web:{number:08x}" for number in range(group)]
    spent = 0.0
    for number in range(1, max(1, turns // group) + 1):
        commits = [turn(name, number, names[place - 1]) for place, name in enumerate(names)]
        started = time.perf_counter()
        outcomes = await store.commit(commits)
        if number % 16 == 0:
            await asyncio.sleep(0)  # what the store does between commits, checkpoints for instance, is paid for here
        spent += time.perf_counter() - started
        assert all(isinstance(outcome, Committed) for outcome in outcomes)
    await store.close()
    return spent * 1e6 / (max(1, turns // group) * group)


def rounds(group: int, turns: int) -> list[Row]:
    """Return the rows of the table for one size of group."""
    limits: list[float] = []
    costs: dict[str, list[float]] = {"sqlite": [], "memory": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            limits.append(1e6 / raw.measure(Path(folder, "raw.db"), group, turns))
            costs["sqlite"].append(asyncio.run(measure(SqliteStore(Path(folder, "store.db")), group, turns)))
            costs["memory"].append(asyncio.run(measure(MemoryStore(), group, turns)))
    limit = statistics.median(limits)
    return [Row(f"{name}, commits of {group}", statistics.median(costs[name]), "us/turn", limit) for name in costs]


def main() -> None:
    """Print the table and write it as JSON."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 19_200
    report("store_commit", [*rounds(64, turns), *rounds(1, turns // 8)])


if __name__ == "__main__":
    main()
