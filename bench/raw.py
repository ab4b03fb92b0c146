"""The raw limit: what plain apsw does with the four rows of a turn, without any of Turnflow.

State upsert (1.5 KB), journal insert (0.5 KB), inbox insert with a unique id, outbox insert; WAL, synchronous=FULL, and one
transaction per `group` turns. Every other benchmark on SQLite is read as a ratio to this one, measured in the same run.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import apsw

SCHEMA = Path(__file__).with_suffix(".sql").read_text()
STATE = b"s" * 1500
ENTRY = b"j" * 500
INPUT = b"i" * 200
REPLY = b"o" * 200

UPSERT = "INSERT INTO state VALUES (?, ?, ?) ON CONFLICT (run) DO UPDATE SET revision = excluded.revision, body = excluded.body"


def connect(path: Path) -> apsw.Connection:
    """Return a new database with the four tables."""
    database = apsw.Connection(str(path))
    database.pragma("journal_mode", "wal")
    database.pragma("synchronous", "full")
    database.execute(SCHEMA)
    return database


def measure(path: Path | str, group: int, turns: int) -> float:
    """Return turns per second in the new database at `path`, with `group` conversations committed together."""
    database = connect(Path(path))
    execute, executemany = database.cursor().execute, database.cursor().executemany
    conversations = [f"web:{number:08x}" for number in range(group)]
    started = time.perf_counter()
    for turn in range(1, max(1, turns // group) + 1):
        execute("BEGIN IMMEDIATE")
        executemany(UPSERT, [(name, turn, STATE) for name in conversations])
        executemany("INSERT INTO journal VALUES (?, ?, ?)", [(name, turn, ENTRY) for name in conversations])
        executemany(
            "INSERT INTO inbox (id, conversation, body) VALUES (?, ?, ?)",
            [(f"{name}:{turn}", name, INPUT) for name in conversations],
        )
        executemany("INSERT INTO outbox (conversation, body) VALUES (?, ?)", [(name, REPLY) for name in conversations])
        execute("COMMIT")
    seconds = time.perf_counter() - started
    database.close()
    return max(1, turns // group) * group / seconds


def main() -> None:
    """Print the limit for 64 turns in one transaction and for one."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        for group, share in ((64, turns), (1, turns // 10)):
            rate = measure(Path(folder, f"{group}.db"), group, share)
            print(f"{group:>4} per transaction  {rate:>10,.0f} turns/s  {1e6 / rate:>8.1f} us/turn")


if __name__ == "__main__":
    main()
