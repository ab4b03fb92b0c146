"""Rows of several commits, gathered by the statement that writes them: one `executemany` a table instead of one a row."""

from __future__ import annotations

from typing import Literal, TypeAlias

from turnflow.core.state import TERMINAL
from turnflow.core.topics import head_of
from turnflow.ports import Commit, InboxRecord, RunRecord, partition_of

Row: TypeAlias = tuple[str | int | bytes | None, ...]
Reason: TypeAlias = Literal["epoch", "revision", "duplicate", "sequence", "live_key", "result"]

STATUS = {True: "consumed", False: "waiting"}


class Batch:
    """Rows of several commits, by the statement that writes them."""

    def __init__(self) -> None:
        self.lines: list[Row] = []
        self.consumed: list[Row] = []
        self.advanced: list[Row] = []
        self.freed: list[Row] = []
        self.rewritten: list[Row] = []
        self.created: list[Row] = []
        self.results: list[Row] = []
        self.cleared: list[Row] = []
        self.timers: list[Row] = []
        self.confirmed: list[Row] = []
        self.forwards: list[Row] = []
        self.defined: list[Row] = []
        self.quarantined: list[Row] = []
        self.unsubscribed: list[Row] = []
        self.subscribed: list[Row] = []
        self.events: list[Row] = []

    def add(self, commit: Commit, *, careful: bool) -> None:
        """Gather the rows of one commit. `careful`: take nothing for granted about what a run's update changes."""
        mailbox = commit.mailbox
        self._add_lines(commit)
        for run in commit.runs:
            self._add_run(run, careful)
        if careful:
            self.freed = [(run.run,) for run in commit.runs]
        for receipt in commit.receipts:
            self.confirmed.append(
                (
                    receipt.status, receipt.external, receipt.attempts, receipt.doubtful,
                    receipt.conversation, receipt.seq, receipt.index,
                )
            )  # fmt: skip
        if commit.consumed:
            self.consumed += [(mailbox, seq) for seq in commit.consumed]
        if commit.timers_cleared:
            self.cleared += commit.timers_cleared
        for timer in commit.timers_set:
            self.timers.append((timer.run, timer.timer, timer.mailbox, partition_of(timer.mailbox), timer.due))
        for result in commit.results:
            self.results.append((result.run, result.key, result.value))
        for forward in commit.forwards:
            self.forwards.append(appended(forward))
        for known in commit.definitions:
            self.defined.append((known.digest, known.flow, known.version, known.document))
        if commit.quarantined:
            self.quarantined += [(run_id,) for run_id in commit.quarantined]
        if commit.unsubscribed:
            self.unsubscribed += commit.unsubscribed
        for wait in commit.subscribed:
            self.subscribed.append(
                (wait.run, wait.key, wait.mailbox, head_of(wait.topic), wait.correlation, wait.topic)
            )
        for event in commit.events:
            self.events.append((event.id, event.topic, event.correlation, event.at, event.payload))

    def _add_lines(self, commit: Commit) -> None:
        """Add the rows of the table `log`, whose columns these are: entries, replies, journal."""
        add, mailbox, partition = self.lines.append, commit.mailbox, commit.partition
        for entry in commit.received:
            add(
                (
                    entry.mailbox, "", entry.seq, -1, STATUS[entry.consumed], entry.attempts, partition, entry.at,
                    entry.id, "", 0, entry.payload,
                )
            )  # fmt: skip
        for reply in commit.outbox:
            add(
                (
                    reply.conversation, "", reply.seq, reply.index, reply.status, reply.attempts, partition, reply.at,
                    reply.key, reply.external, reply.doubtful, reply.payload,
                )
            )  # fmt: skip
        for step in commit.journal:
            add((mailbox, step.run, step.revision, 0, "", 0, 0, step.at, "", "", 0, step.entry))

    def _add_run(self, run: RunRecord, careful: bool) -> None:
        ended = run.status in TERMINAL
        if run.revision == 1:
            self.created.append(
                (
                    run.run, 1, run.status, run.updated, ended, run.mailbox, partition_of(run.mailbox), run.flow,
                    run.version, run.live_key, run.parent, run.state,
                )
            )  # fmt: skip
            return
        row: Row = (
            run.revision, run.status, run.updated, run.version, run.state, run.run, run.live_key, run.mailbox, run.flow,
            run.parent,
        )  # fmt: skip
        if ended or careful:
            self.rewritten.append((*row, ended))
        else:
            self.advanced.append(row)


def appended(entry: InboxRecord) -> Row:
    """Return the row of an entry that gets the next sequence of its mailbox."""
    return (
        entry.mailbox, STATUS[entry.consumed], entry.attempts, partition_of(entry.mailbox), entry.at, entry.id,
        entry.payload,
    )  # fmt: skip
