"""What follows a commit: memory catches up with the store, replies go out, timers are armed, callers are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnflow.core.events import TimerFired
from turnflow.core.state import TERMINAL
from turnflow.engine import loading
from turnflow.engine.mailbox import HotMailbox, Item
from turnflow.engine.payloads import ForRun
from turnflow.errors import InternalError, LostOwnership, TurnflowError
from turnflow.ports import Commit, CommitOutcome, Committed, Delivery, Duplicate

if TYPE_CHECKING:
    from turnflow.engine.process import Process
    from turnflow.engine.turn import Turn

TRIES = 5
"""How often an item is applied anew because another writer was faster."""


def landed(engine: Process, turn: Turn, commit: Commit | None, outcome: CommitOutcome | Exception) -> None:
    """Finish a turn whose commit has an outcome (or that had nothing to commit)."""
    hot, item = turn.hot, turn.item
    if isinstance(outcome, Committed):
        engine.crash("turn.after_commit")
        _written(engine, turn, commit)
        settle(item, turn.delivery)
    elif isinstance(outcome, Exception):
        forget(engine, hot, item)
        settle(item, outcome)
    elif outcome.reason == "duplicate":
        settle(item, Duplicate())
    elif outcome.reason == "epoch":
        forget(engine, hot, item)
        settle(item, LostOwnership(f"another process owns the partition of {hot.id!r} now; nothing was committed"))
    else:
        again(engine, hot, item, outcome.reason)
    engine.release(hot)


def settle(item: Item, outcome: Delivery | Exception) -> None:
    """Tell whoever waits for an item."""
    future = item.future
    if future is not None and not future.done():
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def again(engine: Process, hot: HotMailbox, item: Item, reason: str) -> None:
    """Apply an item anew on what the store has now."""
    forget(engine, hot, item)
    item.tries += 1
    if item.tries <= TRIES:
        if not item.seq:
            hot.queue.appendleft(item)
    else:
        settle(item, InternalError(f"mailbox {hot.id!r} could not be committed ({reason}) after {TRIES} tries"))


def broken(engine: Process, hot: HotMailbox, item: Item, error: Exception) -> None:
    """A turn ended with an exception: nothing was written. Accepted input is tried again later, and set aside in the end."""
    engine.report(f"a turn of {hot.id} failed: {error}", error)
    settle(item, error if isinstance(error, TurnflowError) else InternalError(f"a turn failed: {error}"))
    item.future = None
    _untime(engine, item)
    if item.seq:
        item.attempts += 1
        if item.attempts >= loading.POISON:
            item.payload = loading.set_aside(engine, hot, item.payload, item.attempts)
        hot.queue.append(item)
    engine.release(hot)


def forget(engine: Process, hot: HotMailbox, item: Item) -> None:
    """Drop what memory believes about a mailbox; the store is asked again."""
    hot.loaded = False
    hot.runs = {}
    hot.taken = {queued.seq for queued in hot.queue if queued.seq}
    _untime(engine, item)


def _untime(engine: Process, item: Item) -> None:
    """Let a timer whose turn came to nothing be found in the store again."""
    payload = item.payload
    if isinstance(payload, ForRun) and isinstance(payload.event, TimerFired):
        engine.timers.clear([(payload.run, payload.event.timer)])


def _written(engine: Process, turn: Turn, commit: Commit | None) -> None:
    hot, item = turn.hot, turn.item
    if commit is None:
        return
    hot.seq = max(hot.seq, turn.seq)
    if not item.seq:
        item.seq = turn.seq
    hot.taken.difference_update(commit.consumed)
    for run, work in turn.works.items():
        if work.state.status in TERMINAL:
            hot.runs.pop(run, None)
        elif work.events:
            hot.runs[run] = work.state
    if commit.timers_cleared:
        engine.timers.clear(commit.timers_cleared)
    if commit.timers_set:
        engine.timers.add(commit.timers_set)
    for reply in commit.outbox:
        engine.sender.put(reply)
    if commit.outbox:
        hot.said = (commit.outbox[-1].seq, commit.outbox[-1].index)
    for entry in commit.forwards:
        engine.wake(entry.mailbox)
    for run, ending in turn.finished:
        engine.ended(run, ending)
