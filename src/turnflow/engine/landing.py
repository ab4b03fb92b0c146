"""What follows a commit: memory catches up with the store, replies go out, timers are armed, callers are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from turnflow.core.events import TimerFired
from turnflow.core.state import TERMINAL
from turnflow.engine import loading
from turnflow.engine.mailbox import HotMailbox, Item
from turnflow.engine.payloads import ForRun
from turnflow.errors import InternalError, LostOwnership, StoreUnavailable, TurnflowError
from turnflow.ports import Commit, CommitOutcome, Committed, Delivery, Duplicate

if TYPE_CHECKING:
    from turnflow.engine.process import Process
    from turnflow.engine.turn import Turn

TRIES = 5
"""How often an item is applied anew because another writer was faster."""
HALTED = frozenset({"paused", "stuck", "blocked"})
PAUSE = 0.5
"""Seconds after which a mailbox is tried again whose store was away."""


def landed(engine: Process, turn: Turn, commit: Commit | None, outcome: CommitOutcome | Exception) -> None:
    """Finish a turn whose commit has an outcome (or that had nothing to commit)."""
    hot, item = turn.hot, turn.item
    if item.alone:
        engine.suspicion.cleared(item)
    if turn.detached and not isinstance(outcome, Committed):
        engine.executions.withdraw(turn)
    if isinstance(outcome, Committed):
        engine.crash("turn.after_commit")
        _written(engine, turn, commit)
        if not turn.handed_on:
            settle(item, turn.delivery)
        item.future = None
    elif isinstance(outcome, Exception):
        forget(engine, hot, item)
        hot.taken.difference_update((item.seq, *item.also))
        settle(item, outcome)
        if item.volatile and not isinstance(outcome, LostOwnership) and item.tries < TRIES:
            item.tries += 1
            hot.queue.appendleft(item)  # what an action came to is not thrown away because a store failed once
            asyncio.get_running_loop().call_later(PAUSE, engine.release, hot)
            return
    elif outcome.reason == "duplicate":
        settle(item, Duplicate())
        hot.queue.extendleft(item.apart())
    elif outcome.reason == "epoch":
        forget(engine, hot, item)
        hot.taken.difference_update((item.seq, *item.also))
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
    item.taken = reason == "live_key" and item.tries > 1  # and not merely because memory was behind
    if item.tries <= TRIES:
        hot.queue.appendleft(item)
    else:
        message = f"mailbox {hot.id!r} could not be committed ({reason}) after {TRIES} tries"
        _give_up(engine, hot, item, InternalError(message))


def broken(engine: Process, hot: HotMailbox, item: Item, error: Exception) -> None:
    """A turn ended with an exception: nothing was written. Accepted input is tried again, and set aside in the end."""
    engine.suspicion.cleared(item)
    engine.report(f"a turn of {hot.id} failed: {error}", error)
    if isinstance(error, StoreUnavailable) and (item.seq or item.future is None):
        hot.queue.appendleft(item)  # nobody is to blame and nobody would send it again
        asyncio.get_running_loop().call_later(PAUSE, engine.release, hot)
        return
    _give_up(engine, hot, item, error if isinstance(error, TurnflowError) else InternalError(f"a turn failed: {error}"))
    engine.release(hot)


def _give_up(engine: Process, hot: HotMailbox, item: Item, error: Exception) -> None:
    """Tell whoever waits for an item; one that was accepted keeps its place until it is applied or set aside."""
    settle(item, error)
    item.future = None
    _untime(engine, item)
    if item.volatile:
        _apart(engine, hot, item)
    elif item.seq:
        item.tries = 0
        item.attempts += 1
        if item.attempts >= loading.POISON:
            item.payload = loading.set_aside(engine, hot, item.payload, item.attempts)
        hot.queue.appendleft(item)


def _apart(engine: Process, hot: HotMailbox, item: Item) -> None:
    """Apply results of actions one by one; the run of one that cannot be applied becomes stuck, and keeps its place."""
    hot.queue.extendleft(item.apart())
    item.tries = 0
    item.attempts += 1
    if item.attempts == loading.POISON:
        item.payload = loading.set_aside(engine, hot, item.payload, item.attempts)
    if item.attempts <= loading.POISON:
        hot.queue.appendleft(item)


def forget(engine: Process, hot: HotMailbox, item: Item) -> None:
    """Drop what memory believes about a mailbox; the store is asked again."""
    hot.loaded = False
    hot.runs = {}
    _untime(engine, item)


def _actions(engine: Process, turn: Turn) -> None:
    """Let the actions of steps begin and end, and remember what steps came to."""
    for run, work in turn.works.items():
        if work.state.status in TERMINAL:
            engine.outcomes.forget(run)
            continue
        if run in turn.begun:
            engine.outcomes.begin(run)
        if work.fresh:
            engine.outcomes.add(run, work.fresh.values())
    for key in turn.cancelled:
        engine.works.cancel(key)
    for run, call in turn.actions.values():
        engine.works.begin(turn.hot.id, turn.works[run].state, call)


def _untime(engine: Process, item: Item) -> None:
    """Let a timer whose turn came to nothing be found in the store again."""
    payload = item.payload
    if isinstance(payload, ForRun) and isinstance(payload.event, TimerFired):
        engine.timers.clear([(payload.run, payload.event.timer)])


def _written(engine: Process, turn: Turn, commit: Commit | None) -> None:
    hot, item = turn.hot, turn.item
    if commit is None:
        return
    if not item.volatile or commit.received:
        hot.seq = max(hot.seq, turn.seq)
        if not item.seq:
            item.seq = turn.seq
    hot.taken.difference_update(commit.consumed)
    if turn.kept:
        hot.taken.add(turn.seq)
    for run, work in turn.works.items():
        if work.state.status in TERMINAL:
            hot.runs.pop(run, None)
        elif work.events:
            before = hot.runs.get(run)
            if before is not None and before.status in HALTED and work.state.status not in HALTED:
                hot.stale = True  # what it had under way when it was halted may have to be begun again
            hot.runs[run] = work.state
    engine.watchers.changed(turn.works)
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
    if turn.actions or turn.cancelled or commit.results:
        _actions(engine, turn)
    for run, ending in turn.finished:
        engine.callers.ended(run, ending)
