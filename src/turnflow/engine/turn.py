"""A turn: everything done for one item of a mailbox, ended by one commit.

The item becomes events for runs; each event goes through `advance`; what that asks for is collected (`effects.py`); user code is
run and its answers fed back until nothing immediate is left. Only then is anything written, all of it together. If user code
takes longer than about a second, the turn is committed as it stands (the run is `running`) and the mailbox goes on; the answer
comes back as an item of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from turnflow.core.definition import Flow
from turnflow.core.effects import CallAction, RunHandler, Subscribe, Unsubscribe
from turnflow.core.events import CancelRequested, Event, HandlerAnswered, InputSetAside, Migrated, RetryRequested
from turnflow.core.ids import At, ConversationId, EffectKey, RunId, TimerId
from turnflow.core.machine import Accepted, advance, pending
from turnflow.core.state import TERMINAL, Ending, RunState, blank
from turnflow.engine import alarm, arrival, effects, handover, loading
from turnflow.engine.evaluating import evaluator
from turnflow.engine.mailbox import HotMailbox, Item
from turnflow.engine.outcomes import NotLoaded
from turnflow.engine.payloads import Announced, Arrived, Begin, ForRun, Look, Payload, Resume, Speak, user_mailbox
from turnflow.engine.work import Work
from turnflow.ports import (
    Delivery,
    EventRecord,
    Handled,
    InboxRecord,
    OutboxRecord,
    ResultRecord,
    TimerRecord,
)

if TYPE_CHECKING:
    from turnflow.engine.process import Process

JOURNAL_WARNING = 10_000
JOURNAL_LIMIT = 25_000
"""Most entries of a run's journal; at the limit the run is ended, with the reason on record."""


class Turn:
    """One turn of one mailbox."""

    __slots__ = (
        "actions",
        "after",
        "at",
        "begins",
        "begun",
        "calls",
        "cancelled",
        "delivery",
        "detached",
        "engine",
        "events",
        "finished",
        "forwards",
        "handed_on",
        "hot",
        "item",
        "kept",
        "looks",
        "missing",
        "origin",
        "outbox",
        "queue",
        "recording",
        "remote",
        "results",
        "seq",
        "subscriptions",
        "timers_cleared",
        "timers_set",
        "works",
    )

    def __init__(self, engine: Process, hot: HotMailbox, item: Item) -> None:
        self.engine = engine
        self.hot = hot
        self.item = item
        self.at: At = engine.clock.now()
        self.seq = item.seq or hot.seq + 1
        self.works: dict[RunId, Work] = {}
        self.queue: deque[tuple[RunId, Event]] = deque()
        self.calls: deque[tuple[RunId, RunHandler]] = deque()
        self.actions: dict[EffectKey, tuple[RunId, CallAction]] = {}
        """Actions that begin once the turn is written."""
        self.cancelled: list[EffectKey] = []
        """Actions that end then."""
        self.subscriptions: list[tuple[RunId, Subscribe | Unsubscribe]] = []
        self.events: list[EventRecord] = []
        self.looks: deque[Look] = deque()
        """Runs that are to see events from before their waits."""
        self.missing: NotLoaded | None = None
        """What has to be read before the next event can be applied."""
        self.outbox: list[OutboxRecord] = []
        self.timers_set: dict[tuple[RunId, TimerId], TimerRecord] = {}
        self.timers_cleared: set[tuple[RunId, TimerId]] = set()
        self.forwards: list[InboxRecord] = []
        self.results: list[ResultRecord] = []
        self.finished: list[tuple[RunId, Ending]] = []
        self.begun: list[RunId] = []
        self.delivery: Delivery = Handled(())
        self.origin: ConversationId | None = None
        """The conversation the input came from, if that is not the run's own."""
        self.remote: tuple[RunState, ...] = ()
        """Live runs in the sender's own mailbox, if flows are keyed by user."""
        self.after: Callable[[], None] | None = None
        """What to do once everything else is done."""
        self.detached = False
        self.begins: tuple[Begin, ...] = ()
        """Children that the detached handler started."""
        self.kept = False
        """The item stays in the inbox: the run that it is for cannot be read."""
        self.handed_on = False
        """Whoever waits for the item waits for another mailbox now."""
        self.recording = 0
        """Results of actions that are being made durable; meanwhile the turn stays whole."""

    async def run(self) -> None:
        """Apply the item and all that follows from it; then submit the commit."""
        try:
            await self._run()
        finally:
            self.engine.outcomes.let_go(self)

    async def _run(self) -> None:
        self.engine.crash("turn.begin")
        payload = self.item.payload
        if self.engine.user_keyed and isinstance(payload, Arrived) and not payload.forwarded:
            self.remote = await loading.peek(self.engine, user_mailbox(payload.inbound.input.sender))
        for each in (payload, *self.item.more):
            if await handover.prepare(self, each):
                self._interpret(each)
        if self.item.aside:
            self._set_aside(self.item.aside)
        while True:
            self._drain()
            if self.missing is not None:
                await self.engine.outcomes.load(self.missing, self)
                self.missing = None
                continue
            if self.looks:
                await handover.look_back(self)
                continue
            call = self._next_call()
            if call is None:
                if self._winds_up() and not await alarm.follow(self):
                    break
                continue
            run, handler_call = call
            if self.engine.counts_attempts or self.item.recovered:
                await self.engine.suspicion.count(self)
            self.engine.crash("turn.before_handler")
            event = await self.engine.executions.execute(self, run, handler_call)
            self.engine.crash("turn.after_handler")
            if self.detached:
                self.engine.executions.answered(self, run, handler_call, event)
                return
            if event is not None:
                self.queue.append((run, event))
        self.engine.submit(self)

    def _interpret(self, payload: Payload) -> None:
        match payload:
            case Arrived():
                arrival.arrive(self, payload)
            case ForRun(run, event, begins):
                if begins and self._counts(run, event):
                    effects.start_children(self, run, begins)
                self.queue.append((run, effects.note_timer(self, run, event)))
            case Begin():
                effects.begin(self, payload)
            case Resume(run, key):
                state = self.hot.runs.get(run)
                if state is not None and state.inflight == key:
                    work = self.work(run)
                    if work is not None:
                        self.calls.extend((run, owed) for owed in pending(work.state) if isinstance(owed, RunHandler))
            case Speak(key, reply):
                effects.put_reply(self, key, reply)
            case Announced() | Look():
                pass  # all there is to be done about them is prepared

    def _set_aside(self, reason: str) -> None:
        """Let the runs take note of the item, but run none of the user code that this asks for: they are stuck."""
        self._drain()
        for run, work in list(self.works.items()):
            if work.state.inflight is not None:
                self.apply(run, InputSetAside(self.at, reason))

    def _counts(self, run: RunId, event: Event) -> bool:
        """Tell whether the answer of a slow handler is still wanted."""
        state = self.hot.runs.get(run)
        return state is not None and isinstance(event, HandlerAnswered) and state.inflight == event.key

    def _drain(self) -> None:
        while self.queue:
            run, event = self.queue.popleft()
            try:
                self.apply(run, event)
            except NotLoaded as missing:
                self.queue.appendleft((run, event))
                self.missing = missing
                return

    def finish_up(self) -> bool:
        """Do what was kept for the end, if there is anything."""
        after, self.after = self.after, None
        if after is None:
            return False
        after()
        self._drain()
        return True

    def _winds_up(self) -> bool:
        """Do what was kept for the end; tell whether nothing is left to do."""
        if self.finish_up():
            return False
        for work in self.works.values():
            state = work.state
            if state.revision + 1 == JOURNAL_WARNING:
                self.engine.report(
                    f"the journal of run {state.run} has {JOURNAL_WARNING} entries; it ends at {JOURNAL_LIMIT}"
                )
            if (
                state.revision + 1 >= JOURNAL_LIMIT
                and state.status not in TERMINAL
                and work.events
                and not work.ended_by_us
            ):
                work.ended_by_us = True
                reason = f"its journal has {JOURNAL_LIMIT} entries; let long flows end and start anew"
                self.queue.append((state.run, CancelRequested(self.at, "engine", reason)))
                return False
        return True

    def _next_call(self) -> tuple[RunId, RunHandler] | None:
        while self.calls:
            run, call = self.calls.popleft()
            if self.works[run].state.inflight == call.key:
                return run, call
        return None

    def work(self, run: RunId) -> Work | None:
        """Return the working copy of a live run of this mailbox, or None if there is no such run."""
        work = self.works.get(run)
        if work is None:
            state = self.hot.runs.get(run)
            if state is None:
                return None
            work = self.works[run] = Work(state, self.engine.flow_of(state))
        return work

    def create(self, run: RunId, flow: Flow) -> Work:
        """Return the working copy of a run that does not exist yet."""
        work = self.works[run] = Work(blank(run), flow)
        self.begun.append(run)
        return work

    def apply(self, run: RunId, event: Event) -> Work | None:
        """Advance a run by one event and collect what that asks for."""
        work = self.work(run)
        if work is None:
            return None
        flow = work.flow
        if isinstance(event, Migrated) and event.version != flow.version:  # it is carried over to another definition
            flow = self.engine.registry.definition(work.state.flow, event.version) or flow
        if flow.is_graph:
            evaluate = evaluator(flow, self.engine.outcomes, work.fresh, begins=run in self.begun)
            decision = advance(flow, work.state, event, evaluate)
        else:
            decision = advance(flow, work.state, event)
        if isinstance(decision.verdict, Accepted):
            work.events.append(event)
            if decision.evaluations:
                work.evaluations += decision.evaluations
            work.ignored = ""
            if decision.state.version != work.state.version:
                work.flow = self.engine.flow_of(decision.state)
            work.state = decision.state
        else:
            work.ignored = decision.verdict.reason
            if isinstance(event, RetryRequested) and event.by == "parent":
                effects.told_again(self, work.state)
        for effect in decision.effects:
            effects.perform(self, work, effect)
        return work

    def live(self) -> list[RunState]:
        """Return the live runs of the mailbox as they are now."""
        if not self.works:
            return list(self.hot.runs.values())
        known = {**self.hot.runs, **{run: work.state for run, work in self.works.items()}}
        return [state for state in known.values() if state.status not in TERMINAL]
