"""What a commit of the SQLite store costs beside the raw limit of plain apsw, measured in the same run.

A turn here is what the engine writes: a new inbox entry already consumed, the run's next revision, a journal entry, a
reply that is `sending`, and the receipt of an earlier reply of another mailbox. Rounds of both alternate; the table
shows medians.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import raw
from turnflow.core.ids import ConversationId, EffectKey, FlowName, InputId, MailboxId, RunId
from turnflow.ports import (
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

OUT = Path(__file__).with_name("out") / "store_commit.json"


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
    """Return turns per second with `group` conversations committed together."""
    await store.open()
    await store.acquire("bench", range(64), 3_600_000)
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
    return max(1, turns // group) * group / spent


def rounds(group: int, turns: int, count: int) -> list[dict[str, str | float]]:
    """Return the rows of the table for one size of group."""
    plain: list[float] = []
    ours: dict[str, list[float]] = {"sqlite": [], "memory": []}
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            plain.append(1e6 / raw.measure(Path(folder, "raw.db"), group, turns))
            ours["sqlite"].append(1e6 / asyncio.run(measure(SqliteStore(Path(folder, "store.db")), group, turns)))
            ours["memory"].append(1e6 / asyncio.run(measure(MemoryStore(), group, turns)))
    limit = statistics.median(plain)
    return [
        {
            "case": f"{name} commit of {group}",
            "value": round(statistics.median(times), 2),
            "unit": "us/turn",
            "raw": round(limit, 2),
            "ratio": round(statistics.median(times) / limit, 3),
        }
        for name, times in ours.items()
    ]


def main() -> None:
    """Print the table and write it as JSON."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 12_800
    rows = rounds(64, turns, 5) + rounds(1, turns // 10, 5)
    print(f"{'case':<24}{'value':>10}  {'unit':<8}{'raw':>10}{'ratio':>8}")
    for row in rows:
        print(f"{row['case']:<24}{row['value']:>10}  {row['unit']:<8}{row['raw']:>10}{row['ratio']:>8}")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
