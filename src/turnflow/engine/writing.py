"""What a turn writes: the one commit that everything in it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnflow.core.codec import encode_entry
from turnflow.core.machine import Entry, sealed
from turnflow.engine import handover
from turnflow.engine.payloads import Resume, encode
from turnflow.engine.rows import record
from turnflow.ports import Commit, InboxRecord, JournalRecord, RunRecord

if TYPE_CHECKING:
    from turnflow.engine.turn import Turn


def commit_of(turn: Turn) -> Commit | None:
    """Return what has to be written for a turn, or None if nothing has."""
    runs: list[RunRecord] = []
    journal: list[JournalRecord] = []
    for run, work in turn.works.items():
        if work.events:
            state = work.state = sealed(work.state)
            runs.append(record(state))
            entry = Entry(state.revision, tuple(work.events), evaluations=tuple(work.evaluations))
            journal.append(JournalRecord(run, state.revision, encode_entry(entry), turn.at))
    item, hot = turn.item, turn.hot
    accepted = bool(item.seq) and not turn.kept
    if not (runs or turn.outbox or turn.timers_cleared or turn.forwards or accepted or item.also):
        return None
    received, consumed = _entries(turn)
    subscribed, unsubscribed = handover.subscriptions(turn) if turn.subscriptions else ((), ())
    return Commit(
        hot.id,
        hot.partition,
        turn.engine.leases.epochs.get(hot.partition, 0),
        received,
        consumed + item.also,
        tuple(runs),
        tuple(journal),
        tuple(turn.outbox),
        tuple(turn.timers_set.values()),
        tuple(turn.timers_cleared),
        tuple(turn.results),
        tuple(turn.forwards),
        unsubscribed=unsubscribed,
        subscribed=subscribed,
        events=tuple(turn.events),
    )


def _entries(turn: Turn) -> tuple[tuple[InboxRecord, ...], tuple[int, ...]]:
    """Return the inbox entry that the turn brings, and those it consumes."""
    item, hot = turn.item, turn.hot
    keep = turn.kept or (turn.detached and isinstance(item.payload, Resume))
    if item.seq:
        return (), () if keep else (item.seq,)
    if item.volatile and not turn.outbox:
        return (), ()  # nothing is said, so nobody will ever ask for its place in the conversation
    entry = InboxRecord(hot.id, turn.seq, item.id, encode(item.payload), item.at, not keep)
    return (entry,), ()
