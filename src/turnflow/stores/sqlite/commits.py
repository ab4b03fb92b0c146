"""Commits as transactions: guards, the fast way for all of them together and the careful way for one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apsw

from turnflow.ports import Commit, CommitOutcome, Committed, Rejected
from turnflow.stores._sql import Queries
from turnflow.stores.sqlite.batch import Batch, Reason, Row

COMMITTED = Committed()


class Refused(Exception):
    """A guard did not hold."""

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(reason)


class Commits:
    """Writes commits on one connection, inside a transaction that the caller has begun and will end."""

    def __init__(self, connection: apsw.Connection, queries: Queries) -> None:
        cursor = connection.cursor()
        self._connection = connection
        self._queries = queries
        self._execute = cursor.execute
        self._executemany = cursor.executemany

    def write_together(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        """Write all commits whose epoch holds. Raises `Refused` if another guard fails: the transaction must be undone."""
        outcomes = self._check_epochs(commits)
        for part in _parts(commits, outcomes):
            batch = Batch()
            for commit in part:
                batch.add(commit, careful=False)
            self._write(batch)
        return outcomes

    def write_apart(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        """Write every commit whose guards hold, one after the other."""
        outcomes = self._check_epochs(commits)
        for place, commit in enumerate(commits):
            if outcomes[place] is not COMMITTED:
                continue
            self._execute("SAVEPOINT turn")
            try:
                batch = Batch()
                batch.add(commit, careful=True)
                self._write(batch)
            except Refused as refused:
                self._execute("ROLLBACK TO turn")
                outcomes[place] = Rejected(self._explain(commit, refused.reason))
            self._execute("RELEASE turn")
        return outcomes

    def _check_epochs(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        execute, query = self._execute, self._queries["epoch"]
        epochs = {partition: execute(query, (partition,)).get for partition in {commit.partition for commit in commits}}
        return [COMMITTED if epochs.get(commit.partition) == commit.epoch else Rejected("epoch") for commit in commits]

    def _write(self, batch: Batch) -> None:
        """Write the rows of a batch in the order in which the guards are named."""
        queries, update, insert = self._queries, self._executemany, self._insert
        if batch.lines:
            insert("add_line", batch.lines, "duplicate")
        if batch.consumed:
            update(queries["consume"], batch.consumed)
        if batch.advanced:
            self._replace("advance_run", batch.advanced)
        if batch.freed:
            update(queries["free_key"], batch.freed)
        if batch.rewritten:
            self._replace("rewrite_run", batch.rewritten)
        if batch.created:
            insert("create_run", batch.created, "live_key")
        if batch.results:
            insert("keep_result", batch.results, "result")
        if batch.confirmed:
            update(queries["confirm"], batch.confirmed)
        if batch.cleared:
            update(queries["clear_timer"], batch.cleared)
        if batch.timers:
            update(queries["set_timer"], batch.timers)
        if batch.forwards:
            update(queries["forward"], batch.forwards)
        if batch.defined:
            update(queries["define"], batch.defined)
        if batch.quarantined:
            update(queries["quarantine"], batch.quarantined)
        if batch.unsubscribed:
            update(queries["unsubscribe"], batch.unsubscribed)
        if batch.subscribed:
            update(queries["subscribe"], batch.subscribed)
        if batch.events:
            update(queries["publish"], batch.events)

    def _insert(self, query: str, rows: list[Row], reason: Reason) -> None:
        try:
            self._executemany(self._queries[query], rows)
        except apsw.ConstraintError as error:
            raise Refused(reason) from error

    def _replace(self, query: str, rows: list[Row]) -> None:
        before = self._connection.total_changes()
        self._insert(query, rows, "live_key")
        if self._connection.total_changes() - before != len(rows):
            raise Refused("revision")

    def _explain(self, commit: Commit, reason: Reason) -> Reason:
        """Return the reason proper where one statement keeps several guards; looked up after the commit has been undone."""
        if reason == "duplicate":
            ids = [(entry.id,) for entry in commit.received]
            if self._any("fate", ids):
                return "duplicate"
            places: list[Row] = [(entry.mailbox, entry.seq, -1) for entry in commit.received]
            places += [(reply.conversation, reply.seq, reply.index) for reply in commit.outbox]
            return "sequence" if self._any("line_exists", places) else "revision"
        if reason == "live_key":
            created = [(run.run,) for run in commit.runs if run.revision == 1]
            return "revision" if self._any("run_exists", created) else "live_key"
        return reason

    def _any(self, query: str, rows: Sequence[Row]) -> bool:
        """Tell whether a row is there already, or twice among those that were to be written."""
        known = any(self._execute(self._queries[query], row).get is not None for row in rows)
        return known or len(set(rows)) < len(rows)


def _parts(commits: Sequence[Commit], outcomes: Sequence[CommitOutcome]) -> Iterator[list[Commit]]:
    """Cut a list where writing table by table would differ from writing commit by commit.

    That is where a mailbox comes again, or something for which a forward came before: of its mailbox or with its id; and where
    a timer is cleared that another mailbox has just set.
    """
    part: list[Commit] = []
    mailboxes: set[str] = set()
    forwarded: set[str] = set()
    timed: set[tuple[str, str]] = set()
    for commit, outcome in zip(commits, outcomes, strict=True):
        if outcome is not COMMITTED:
            continue
        if (
            commit.mailbox in mailboxes
            or (forwarded and any(entry.id in forwarded for entry in commit.received))
            or (timed and any(cleared in timed for cleared in commit.timers_cleared))
        ):
            yield part
            part, mailboxes, forwarded, timed = [], set(), set(), set()
        part.append(commit)
        mailboxes.add(commit.mailbox)
        for entry in commit.forwards:
            mailboxes.add(entry.mailbox)
            forwarded.add(entry.id)
        timed.update((timer.run, timer.timer) for timer in commit.timers_set)
    if part:
        yield part
