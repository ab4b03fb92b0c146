"""Everything that only reads: mailboxes, due work, runs by filters, journals, histories."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import apsw
import msgspec

from turnflow.core.ids import At, ConversationId, FlowName, InputId, MailboxId, RunId
from turnflow.ports import (
    Due,
    InboxRecord,
    JournalRecord,
    Line,
    Mailbox,
    OutboxRecord,
    ResultRecord,
    RunQuery,
    RunRecord,
    TimerRecord,
    partition_of,
)
from turnflow.stores._sql import Queries

RARE = frozenset({"running", "stuck", "blocked"})
"""Statuses with an index of their own."""


class Reads:
    """Queries on one connection; what belongs together is read from one snapshot."""

    def __init__(self, connection: apsw.Connection, queries: Queries) -> None:
        cursor = connection.cursor()
        self._execute = cursor.execute
        self._executemany = cursor.executemany
        self._queries = queries

    def load(self, mailbox: MailboxId) -> Mailbox:
        """Return a mailbox as `Store.load` does."""
        queries, execute = self._queries, self._execute
        last: int = execute(queries["load_seq"], (mailbox,)).get or 0
        runs = tuple([RunRecord(*row) for row in execute(queries["load_runs"], (mailbox,))])
        waiting = execute(queries["load_waiting"], (partition_of(mailbox), mailbox))
        return Mailbox(last, runs, tuple([InboxRecord(*row) for row in waiting]))

    def seen(self, id: InputId) -> bool:
        """Tell whether an inbox id is known."""
        return self._execute(self._queries["fate"], (id,)).get is not None

    def due(self, partitions: Sequence[int], before: At, limit: int) -> Due:
        """Return work as `Store.due` does, reading only what is due."""
        held = {"partitions": msgspec.json.encode(list(partitions)).decode(), "before": before, "limit": limit}
        timers = tuple([TimerRecord(*row) for row in self._execute(self._queries["due_timers"], held)])
        running = [row[0] for row in self._execute(self._queries["due_runs"], held)]
        waiting = [row[0] for row in self._first("due_entries", partitions, limit)]
        mailboxes = dict.fromkeys([*running, *waiting])
        replies = self._first("due_replies", partitions, limit)
        return Due(timers, tuple(mailboxes)[:limit], tuple([_reply(row) for row in replies]))

    def timers(self, prefix: str) -> list[TimerRecord]:
        """Return timers of runs whose id starts with `prefix`: a stretch of the primary key."""
        rows = self._execute(self._queries["timers"], (prefix,))
        return [TimerRecord(*row) for row in takewhile(lambda row: row[0].startswith(prefix), rows)]

    def results(self, run: RunId, prefix: str) -> list[ResultRecord]:
        """Return results whose key starts with `prefix`: a stretch of the primary key."""
        rows = self._execute(self._queries["results"], (run, prefix))
        return [ResultRecord(*row) for row in takewhile(lambda row: row[1].startswith(prefix), rows)]

    def find(self, query: RunQuery) -> list[RunRecord]:
        """Return runs by the most selective index that the filters allow."""
        values = {
            "run": query.run, "mailbox": query.mailbox, "parent": query.parent, "flow": query.flow,
            "after": query.after, "limit": max(0, query.limit),
            "status": msgspec.json.encode(query.status).decode() if query.status else None,
        }  # fmt: skip
        return [RunRecord(*row) for row in self._execute(self._queries[_way(query)], values)]

    def journal(self, run: RunId, after: int, limit: int) -> list[JournalRecord]:
        """Return entries of a run behind a revision."""
        return [JournalRecord(*row) for row in self._execute(self._queries["journal"], (run, after, max(0, limit)))]

    def history(self, conversation: ConversationId, after: tuple[int, int], limit: int) -> list[Line]:
        """Return lines behind a place; a negative `limit` reads from the other end."""
        name = "newest_history" if limit < 0 else "history"
        rows = self._execute(self._queries[name], (conversation, *after, abs(limit)))
        lines = [_line(*row) for row in rows]
        return lines[::-1] if limit < 0 else lines

    def definition(self, flow: FlowName, version: int, digest: str) -> bytes | None:
        """Return the document of a flow version with a digest, or the newest one."""
        document: bytes | None = self._execute(self._queries["definition"], (flow, version, digest)).get
        return document

    def _first(self, name: str, partitions: Sequence[int], limit: int) -> list[Any]:
        """Return up to `limit` rows, partition by partition: each is a stretch of an index, so nothing has to be sorted."""
        rows: list[Any] = []
        for partition in partitions:
            if len(rows) >= limit:
                break
            rows += self._execute(self._queries[name], (partition, limit - len(rows)))
        return rows


def _way(query: RunQuery) -> str:
    if query.newest:
        return "find_newest"
    if query.run is not None:
        return "find_by_run"
    if query.mailbox is not None:
        return "find_by_mailbox"
    if query.parent is not None:
        return "find_by_parent"
    if query.status and RARE.issuperset(query.status):
        return "find_rare"
    return "find_by_flow" if query.flow is not None else "find"


def _line(seq: int, index: int, payload: bytes, at: At, status: str, id: str, doubtful: int) -> Line:
    return Line(seq, index, payload, at, status, id, bool(doubtful))


def _reply(row: tuple[Any, ...]) -> OutboxRecord:
    conversation, seq, index, key, payload, at, status, attempts, external, doubtful = row
    return OutboxRecord(conversation, seq, index, key, payload, at, status, attempts, external, bool(doubtful))
