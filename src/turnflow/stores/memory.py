"""The reference store: what the promises of `Store` mean. No method awaits anything, so each is one transaction."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import dropwhile, islice
from typing import TypeAlias

from msgspec.structs import replace

from turnflow import ports
from turnflow.core.ids import At, ConversationId, FlowName, InputId, MailboxId, Millis, RunId, TimerId
from turnflow.core.state import TERMINAL
from turnflow.ports import partition_of
from turnflow.stores._happenings import Happenings
from turnflow.stores._leases import Leases

Place: TypeAlias = tuple[int, int]
"""Sequence and index; the index of an inbox entry is -1."""

UNSENT = frozenset({"pending", "sending"})


def _milliseconds() -> int:
    return time.monotonic_ns() // 1_000_000


class MemoryStore:
    """A store in dictionaries. `now` is the clock of the leases, in milliseconds."""

    def __init__(self, now: Callable[[], int] = _milliseconds) -> None:
        self._leases = Leases(now)
        self._inbox: dict[str, dict[int, ports.InboxRecord]] = defaultdict(dict)
        self._last: dict[MailboxId, int] = {}
        """Highest sequence of a mailbox."""
        self._ids: dict[InputId, tuple[MailboxId, int]] = {}
        self._waiting: dict[MailboxId, set[int]] = defaultdict(set)
        self._runs: dict[RunId, ports.RunRecord] = {}
        self._live: dict[MailboxId, set[RunId]] = defaultdict(set)
        self._running: dict[RunId, MailboxId] = {}
        self._keys: dict[str, RunId] = {}
        self._journal: dict[RunId, dict[int, ports.JournalRecord]] = defaultdict(dict)
        self._outbox: dict[str, dict[Place, ports.OutboxRecord]] = defaultdict(dict)
        self._unsent: dict[tuple[ConversationId, Place], int] = {}
        """Replies neither sent nor dead, with the partition that said them."""
        self._timers: dict[tuple[RunId, TimerId], ports.TimerRecord] = {}
        self._results: dict[RunId, dict[str, ports.ResultRecord]] = defaultdict(dict)
        self._definitions: dict[str, ports.DefinitionRecord] = {}
        self._happenings = Happenings()

    @property
    def grade(self) -> ports.Grade:
        """It survives nothing, by design."""
        return ports.Grade("memory", False, False, "one", "all is lost when the process ends; sqlite:/// keeps it")

    async def open(self) -> None:
        """Do nothing: what was written before is still there."""

    async def close(self) -> None:
        """Do nothing."""

    # --- inbox ---

    async def accept(self, entries: Sequence[ports.InboxRecord]) -> list[ports.Accepted | ports.Repeated]:
        """Append each entry whose id is new, with the next sequence of its mailbox."""
        outcomes: list[ports.Accepted | ports.Repeated] = []
        for entry in entries:
            if entry.id in self._ids:
                mailbox, seq = self._ids[entry.id]
                outcomes.append(ports.Repeated(self._inbox[mailbox][seq].consumed))
            else:
                outcomes.append(ports.Accepted(self._append(entry)))
        return outcomes

    async def seen(self, id: InputId) -> bool:
        """Tell whether an inbox id is known."""
        return id in self._ids

    async def retake(self, mailbox: MailboxId, seqs: Sequence[int]) -> None:
        """Count one more attempt."""
        for seq in seqs:
            if entry := self._inbox[mailbox].get(seq):
                self._inbox[mailbox][seq] = replace(entry, attempts=entry.attempts + 1)

    async def purge(self, before: At, limit: int) -> int:
        """Delete old consumed entries, except the last of each mailbox: its sequence is where the next one starts."""
        old = [
            entry
            for entries in self._inbox.values()
            for entry in entries.values()
            if entry.consumed and entry.at < before and entry.seq < self._last[entry.mailbox]
        ][: max(0, limit)]
        for entry in old:
            del self._inbox[entry.mailbox][entry.seq], self._ids[entry.id]
        return len(old)

    def _append(self, entry: ports.InboxRecord) -> int:
        seq = self._last.get(entry.mailbox, 0) + 1
        self._receive(replace(entry, seq=seq))
        return seq

    def _receive(self, entry: ports.InboxRecord) -> None:
        self._inbox[entry.mailbox][entry.seq] = entry
        self._ids[entry.id] = (entry.mailbox, entry.seq)
        self._last[entry.mailbox] = max(entry.seq, self._last.get(entry.mailbox, 0))
        if not entry.consumed:
            self._waiting[entry.mailbox].add(entry.seq)

    async def commit(self, commits: Sequence[ports.Commit]) -> list[ports.CommitOutcome]:
        """Check and write one commit after the other."""
        outcomes: list[ports.CommitOutcome] = []
        for commit in commits:
            refused = self._refuse(commit)
            if refused is None:
                self._write(commit)
            outcomes.append(refused or ports.Committed())
        return outcomes

    def _refuse(self, commit: ports.Commit) -> ports.Rejected | None:
        """Return the first guard that does not hold."""
        if not commit.epoch or self._leases.epoch(commit.partition) != commit.epoch:
            return ports.Rejected("epoch")
        if not (commit.received or commit.runs or commit.journal or commit.outbox or commit.results):
            return None
        ids = {entry.id for entry in commit.received}
        if len(ids) < len(commit.received) or not self._ids.keys().isdisjoint(ids):
            return ports.Rejected("duplicate")
        seqs = {(entry.mailbox, entry.seq) for entry in commit.received}
        said = {(reply.conversation, (reply.seq, reply.index)) for reply in commit.outbox}
        taken = len(seqs) + len(said) < len(commit.received) + len(commit.outbox)
        taken = taken or any(seq in self._inbox[mailbox] for mailbox, seq in seqs)
        if taken or any(place in self._outbox[conversation] for conversation, place in said):
            return ports.Rejected("sequence")
        revisions = {run.run: run.revision for run in commit.runs}
        moved = any(entry.revision in self._journal[entry.run] for entry in commit.journal)
        if moved or any(self._revision(run) != revision - 1 for run, revision in revisions.items()):
            return ports.Rejected("revision")
        owners = {run.live_key: run.run for run in commit.runs if run.live_key}
        taken = len(owners) < sum(1 for run in commit.runs if run.live_key)
        if taken or any(self._keys.get(key, run) not in revisions for key, run in owners.items()):
            return ports.Rejected("live_key")
        if commit.results and any(result.key in self._results[result.run] for result in commit.results):
            return ports.Rejected("result")
        return None

    def _revision(self, run: RunId) -> int:
        return self._runs[run].revision if run in self._runs else 0

    def _write(self, commit: ports.Commit) -> None:
        for entry in commit.received:
            self._receive(entry)
        for seq in commit.consumed:
            if entry_of := self._inbox[commit.mailbox].get(seq):
                self._inbox[commit.mailbox][seq] = replace(entry_of, consumed=True)
                self._waiting[commit.mailbox].discard(seq)
        for reply in commit.outbox:
            self._say(reply, commit.partition)
        for run in commit.runs:
            self._keep(run)
        for record in commit.journal:
            self._journal[record.run][record.revision] = record
        for result in commit.results:
            self._results[result.run][result.key] = result
        for receipt in commit.receipts:
            place = (receipt.seq, receipt.index)
            if said := self._outbox[receipt.conversation].get(place):
                told = replace(said, status=receipt.status, external=receipt.external, attempts=receipt.attempts)
                told = told if told.doubtful == receipt.doubtful else replace(told, doubtful=receipt.doubtful)
                self._say(told, self._unsent.get((receipt.conversation, place), commit.partition))
        for key in commit.timers_cleared:
            self._timers.pop(key, None)
        for timer in commit.timers_set:
            self._timers[timer.run, timer.timer] = timer
        for forward in commit.forwards:
            if forward.id not in self._ids:
                self._append(forward)
        for definition in commit.definitions:
            self._definitions.setdefault(definition.digest, definition)
        for id in commit.quarantined:
            if id in self._runs:
                self._keep(replace(self._runs[id], status="stuck"))
        if commit.unsubscribed or commit.subscribed or commit.events:
            self._happenings.write(commit)

    def _say(self, reply: ports.OutboxRecord, partition: int) -> None:
        place = (reply.seq, reply.index)
        self._outbox[reply.conversation][place] = reply
        if reply.status in UNSENT:
            self._unsent[reply.conversation, place] = partition
        else:
            self._unsent.pop((reply.conversation, place), None)

    def _keep(self, run: ports.RunRecord) -> None:
        before = self._runs.get(run.run)
        if before and before.live_key and self._keys.get(before.live_key) == run.run:
            del self._keys[before.live_key]
        if run.live_key:
            self._keys[run.live_key] = run.run
        self._runs[run.run] = run
        self._running.pop(run.run, None)
        if run.status == "running":
            self._running[run.run] = run.mailbox
        if run.status in TERMINAL:
            self._live[run.mailbox].discard(run.run)
        else:
            self._live[run.mailbox].add(run.run)

    # --- leases ---

    async def acquire(self, holder: str, partitions: Sequence[int], lease: Millis) -> list[ports.Lease]:
        """Take what is free, expired or the holder's own."""
        return self._leases.acquire(holder, partitions, lease)

    async def renew(self, holder: str, lease: Millis) -> list[int]:
        """Extend the holder's leases."""
        return self._leases.renew(holder, lease)

    async def release(self, holder: str) -> None:
        """Give the holder's partitions back."""
        self._leases.release(holder)

    # --- reading ---

    async def due(self, partitions: Sequence[int], before: At, limit: int) -> ports.Due:
        """Return what is due in these partitions."""
        mine = frozenset(partitions)
        timers = [each for each in self._timers.values() if each.due < before and partition_of(each.mailbox) in mine]
        busy = {mailbox for mailbox, seqs in self._waiting.items() if seqs} | set(self._running.values())
        unsent = sorted(key for key, partition in self._unsent.items() if partition in mine)
        return ports.Due(
            tuple(sorted(timers, key=lambda timer: timer.due)[:limit]),
            tuple(sorted(mailbox for mailbox in busy if partition_of(mailbox) in mine)[:limit]),
            tuple(self._outbox[conversation][place] for conversation, place in unsent[:limit]),
        )

    async def load(self, mailbox: MailboxId) -> ports.Mailbox:
        """Return a mailbox with its live runs and waiting entries."""
        runs = tuple(self._runs[run] for run in sorted(self._live.get(mailbox, ())))
        waiting = tuple(self._inbox[mailbox][seq] for seq in sorted(self._waiting.get(mailbox, ())))
        return ports.Mailbox(self._last.get(mailbox, 0), runs, waiting)

    async def timers(self, prefix: str) -> list[ports.TimerRecord]:
        """Return timers by the start of their run's id."""
        return [timer for (run, _), timer in sorted(self._timers.items()) if run.startswith(prefix)]

    async def results(self, run: RunId, prefix: str) -> list[ports.ResultRecord]:
        """Return results by key."""
        return [result for key, result in sorted(self._results[run].items()) if key.startswith(prefix)]

    async def find(self, query: ports.RunQuery) -> list[ports.RunRecord]:
        """Return runs by filters."""
        filters = ((name, getattr(query, name)) for name in ("run", "mailbox", "flow", "parent"))
        exact = {name: value for name, value in filters if value is not None}
        ids: Iterable[RunId] = (id for id in sorted(self._runs) if query.after is None or id > query.after)
        if query.newest:  # a dictionary keeps the order of creation
            ids = [*reversed(self._runs)]
            ids = [*dropwhile(lambda id: id != query.after, ids)][1:] if query.after else ids
        runs = (self._runs[id] for id in ids if not query.status or self._runs[id].status in query.status)
        found = (run for run in runs if all(getattr(run, name) == value for name, value in exact.items()))
        return list(islice(found, max(0, query.limit)))

    async def journal(self, run: RunId, after: int = 0, limit: int = 1000) -> list[ports.JournalRecord]:
        """Return journal entries by revision."""
        entries = self._journal.get(run, {})
        return [entries[revision] for revision in sorted(entries) if revision > after][: max(0, limit)]

    async def history(
        self, conversation: ConversationId, after: tuple[int, int] = (0, -1), limit: int = 200
    ) -> list[ports.Line]:
        """Return entries and replies in order."""
        lines = {
            (entry.seq, -1): ports.Line(entry.seq, -1, entry.payload, entry.at, "received", entry.id)
            for entry in self._inbox[conversation].values()
        }
        for place, said in self._outbox[conversation].items():
            lines[place] = ports.Line(*place, said.payload, said.at, said.status, said.key, said.doubtful)
        behind = [lines[place] for place in sorted(lines) if place > after]
        return behind[:limit] if limit >= 0 else behind[limit:]

    async def definition(self, flow: FlowName, version: int, digest: str = "") -> bytes | None:
        """Return a document of a flow version."""
        known = [kept for kept in self._definitions.values() if (kept.flow, kept.version) == (flow, version)]
        return next((kept.document for kept in reversed(known) if digest in ("", kept.digest)), None)

    async def subscribers(self, topic: str, correlation: str) -> list[ports.SubscriptionRecord]:
        """Return who waits for an event."""
        return self._happenings.subscribers(topic, correlation)

    async def events(
        self, topic: str, correlation: str, since: At, limit: int, after: tuple[At, int] | None = None
    ) -> list[ports.EventRecord]:
        """Return events by topic and key."""
        return self._happenings.events(topic, correlation, since, limit, after)
