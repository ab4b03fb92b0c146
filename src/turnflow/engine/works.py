"""Actions at work for steps of flow graphs: bounded in number and time, beside their mailboxes, and brought back as events.

An action begins only after the commit that says so. It runs in a worker of a pool, without a task of its own; a watchdog ends one
that takes too long. One that ignores its end is left to itself and its result is late.

A `timeout` that an author chose counts from the step's beginning, whatever happens meanwhile. The five minutes that hold
otherwise count for a first attempt from when it really begins: one that waits for its turn or for a process is not to blame.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Raw

from turnflow.core.effects import CallAction
from turnflow.core.events import ActionFailed, ActionSucceeded
from turnflow.core.ids import EffectKey, FlowName, InputId, MailboxId, Millis, RunId, StepName
from turnflow.core.inputs import clean
from turnflow.core.nodes import Settings
from turnflow.core.state import RunState
from turnflow.engine.mailbox import Item
from turnflow.engine.payloads import ForRun
from turnflow.engine.pool import Pool
from turnflow.engine.slots import Slots
from turnflow.engine.tries import Tries
from turnflow.engine.work_records import keep_late
from turnflow.engine.work_services import WorkServices
from turnflow.errors import TurnflowError, UserCodeError
from turnflow.ports import Action, ActionContext

if TYPE_CHECKING:
    from turnflow.engine.process import Process

log = logging.getLogger("turnflow.engine")

STEP_LIMIT: Final[Millis] = 300_000
"""How long an action step may take with its retries if it says nothing else."""
GRACE: Final = 2.0
"""Seconds an action has to end after it was cancelled, before it is left to itself."""
OUTPUT_LIMIT: Final = 1 << 20
BREATH: Final = 0.005
"""Seconds after which whatever else is ready gets its turn."""


class Work:
    """One attempt at one action."""

    __slots__ = (
        "alone", "beat", "call", "deadline", "done", "ends_step", "idle", "mailbox", "path", "place",
        "placed", "recovered", "run", "settings", "silent", "started", "stopped", "task",
    )  # fmt: skip

    def __init__(
        self, mailbox: MailboxId, state: RunState, call: CallAction, settings: Settings, *, recovered: bool
    ) -> None:
        self.mailbox = mailbox
        self.run: RunId = state.run
        self.place: tuple[FlowName, StepName] = (state.flow, call.step)
        self.call = call
        self.path = next((c.prefix for c in state.cursors if c.id == call.cursor), "") + call.step
        self.settings = settings
        self.recovered = recovered
        self.alone = False
        """No other suspect is tried meanwhile."""
        self.placed = False
        """It has a place among those under way; else it waits for one."""
        self.started = 0.0
        self.beat = 0.0
        """When it last gave a sign of life."""
        self.done: float | None = None
        """How far it says it has come, 0..1."""
        self.deadline = 0.0
        self.ends_step = False
        """At the deadline the time of the whole step is over."""
        self.silent = False
        """It was stopped because it gave no sign of life."""
        self.idle = 0.0
        """Seconds it may be silent; 0: any time."""
        self.task: asyncio.Task[object] | None = None
        self.stopped: tuple[str, float] | None = None
        """Why and when it was cancelled: `timeout` or `abandoned`."""

    def stop(self, why: str, now: float) -> None:
        """Cancel it, once."""
        if self.stopped is None:
            self.stopped = (why, now)
            if self.task is not None:
                self.task.cancel()


class Works:
    """All actions under way for steps in this process."""

    def __init__(self, engine: Process, pool: Pool) -> None:
        self._engine = engine
        self._breath = 0.0
        self._known: dict[EffectKey, Work] = {}
        self._slots = Slots(lambda work: pool.put(self._run, work))
        self._tries = Tries(engine)

    def __len__(self) -> int:
        return len(self._known)

    def begin(self, mailbox: MailboxId, state: RunState, call: CallAction, *, recovered: bool = False) -> None:
        """Have an action run, unless it is under way already."""
        if call.key in self._known:
            return
        node = self._engine.flow_of(state).nodes.get(call.step)
        settings = node.settings if node is not None else Settings()
        work = self._known[call.key] = Work(mailbox, state, call, settings, recovered=recovered)
        self._slots.offer(work)

    def cancel(self, key: EffectKey) -> None:
        """End an action whose outcome nobody waits for."""
        work = self._known.get(key)
        if work is not None:
            work.stop("abandoned", monotonic())
            if not work.placed:
                del self._known[key]

    def progress(self, run: RunId, step: StepName) -> float | None:
        """Return how far the action of a step says it has come; None if none is under way here, or says nothing."""
        return next((work.done for work in self._known.values() if work.run == run and work.call.step == step), None)

    def watch(self) -> None:
        """Look round once; called by the engine's watchdog."""
        now = monotonic()
        for work in list(self._known.values()):
            if not work.placed:
                self._give_up_waiting(work, now)
            elif work.stopped is not None:
                if work.task is not None and now - work.stopped[1] > GRACE:
                    self._leave(work)
            elif work.started and (now > work.deadline or (work.idle and now - work.beat > work.idle)):
                work.silent = now <= work.deadline
                work.stop("timeout", now)

    def _give_up_waiting(self, work: Work, now: float) -> None:
        """End an attempt that has waited for its place until the time of its step was over."""
        job, whole = work.call.job, work.settings.timeout
        if whole is not None and job.kind == "action" and self._engine.clock.now() > job.since + whole:
            work.ends_step = True
            work.stop("timeout", now)
            del self._known[work.call.key]
            self._report(work, self._timed_out(work))

    async def _run(self, work: Work) -> None:
        if monotonic() - self._breath > BREATH:  # chains of quick actions must not hold up everybody else
            await asyncio.sleep(0)
            self._breath = monotonic()
        try:
            event = await self._outcome(work) if await self._tries.permits(work) else None
        except BaseException:  # the worker ends, and with it the process or its stay here
            self._known.pop(work.call.key, None)
            raise
        if self._known.get(work.call.key) is not work:
            self._tries.over(work)
            return  # it was left to itself: its place has been given up already
        del self._known[work.call.key]
        self._slots.free(work)
        if event is None:
            return self._tries.over(work)
        self._engine.crash("work.returned")
        return self._report(work, event)

    def _report(self, work: Work, event: ActionSucceeded | ActionFailed) -> None:
        id = InputId(f"action:{work.call.key}")
        item = Item(ForRun(work.run, event), id, event.at, volatile=True, alone=work.alone)
        work.alone = False  # it is through once that is written
        self._engine.post(work.mailbox, item)

    async def _outcome(self, work: Work) -> ActionSucceeded | ActionFailed | None:
        """Run the action and return what it came to; None if nobody wants to know."""
        engine, call = self._engine, work.call
        if work.stopped is not None:
            return None
        if work.recovered and work.settings.at_most_once:
            message = f"the process ended while action {call.job.action!r} was under way; whether it ran is unknown"
            return ActionFailed(engine.clock.now(), call.key, "outcome_unknown", message, final=True)
        action = engine.registry.action(call.job.action)
        if action is None:
            message = f"no action {call.job.action!r} is registered; use registry.register_action()"
            return ActionFailed(engine.clock.now(), call.key, "unknown_action", message, final=True)
        if not self._start(work, action):
            return self._timed_out(work)
        failed: ActionFailed | None = None
        result: object = None
        try:
            engine.crash("work.before")
            result = await action(bytes(call.job.input), self._context(work))
            engine.crash("work.after")
        except asyncio.CancelledError:
            message = f"something that action {call.job.action!r} waited for was cancelled"
            failed = ActionFailed(engine.clock.now(), call.key, "cancelled", message)
        except (Exception, SystemExit, BaseExceptionGroup) as error:  # all of it becomes an event
            failed = self._failed(work, error)
        self._close(work)
        if work.stopped is not None and failed is None:
            await keep_late(engine, work, result)
        if work.stopped is not None:
            return self._timed_out(work) if work.stopped[0] == "timeout" else None
        return failed or self._returned(work, result)

    def _close(self, work: Work) -> None:
        """Take our cancellation back, which the action may have swallowed; if the worker itself is to end, let it."""
        assert work.task is not None
        if work.stopped is not None:
            work.task.uncancel()
        if work.task.cancelling():
            raise asyncio.CancelledError

    def _returned(self, work: Work, result: object) -> ActionSucceeded | ActionFailed:
        """Return the event of an action that has returned; what cannot be stored is a failure, and no repetition helps."""
        call, now = work.call, self._engine.clock.now()
        if not isinstance(result, bytes):
            message = f"action {call.job.action!r} returned {type(result).__name__}; it must return JSON as bytes"
            return ActionFailed(now, call.key, "invalid_result", message, final=True)
        if len(result) > OUTPUT_LIMIT:
            message = f"action {call.job.action!r} returned {len(result)} bytes; at most {OUTPUT_LIMIT}"
            return ActionFailed(now, call.key, "output_too_large", message, final=True)
        try:
            msgspec.json.decode(result)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            message = f"action {call.job.action!r} returned bytes that are no JSON: {error}"
            return ActionFailed(now, call.key, "invalid_result", clean(message), final=True)
        return ActionSucceeded(now, call.key, Raw(result))

    def _start(self, work: Work, action: Action) -> bool:
        """Set the limits of an attempt; tell whether any time is left for it."""
        work.task = asyncio.current_task()
        work.started = work.beat = monotonic()
        work.idle = (work.settings.idle_timeout or 0) / 1000
        step, attempt = self._limits(work, action)
        work.deadline = work.started + min(step, attempt) / 1000
        work.ends_step = step <= attempt
        return step > 0

    def _limits(self, work: Work, action: Action) -> tuple[float, float]:
        """Return how many milliseconds the step has left, and how many the attempt may take."""
        settings, job = work.settings, work.call.job
        attempt = float("inf") if settings.attempt_timeout is None else float(settings.attempt_timeout)
        if job.kind == "poll":  # a timer bounds the whole wait
            return float("inf"), min(attempt, STEP_LIMIT)
        passed = self._engine.clock.now() - job.since
        if settings.timeout is not None:
            return float(settings.timeout - passed), attempt
        if action.kind == "long_run":
            return float("inf"), attempt
        return float(STEP_LIMIT if job.attempt == 1 else STEP_LIMIT - passed), attempt

    def _context(self, work: Work) -> ActionContext:
        call = work.call
        key = call.job.key or f"{work.run}/{call.step}/{call.job.visit}"
        services = WorkServices(self._engine, work)
        return ActionContext(work.run, key, call.job.attempt, self._engine.resources, call.step, services)

    def _timed_out(self, work: Work) -> ActionFailed:
        why = "gave no sign of life" if work.silent else "did not end"
        message = f"action {work.call.job.action!r} {why} in its time"
        final = work.ends_step and not work.silent
        return ActionFailed(self._engine.clock.now(), work.call.key, "timeout", message, final=final)

    def _failed(self, work: Work, error: BaseException) -> ActionFailed:
        code = error.code if isinstance(error, UserCodeError) else "exception"
        message = _worded(error)
        if isinstance(error, TurnflowError):
            self._engine.report(f"action of step {work.call.step!r} failed ({code}): {message}")
        else:  # a mistake of the author, who needs to see where
            log.warning("action of step %r failed: %s", work.call.step, message, exc_info=error)
        return ActionFailed(self._engine.clock.now(), work.call.key, clean(str(code)), message)

    def _leave(self, work: Work) -> None:
        """Give up on an action that ignores its end."""
        del self._known[work.call.key]
        self._slots.free(work)
        self._engine.report(f"action {work.call.job.action!r} ignores that it was cancelled; it is left to itself")
        if work.stopped is not None and work.stopped[0] == "timeout":
            self._report(work, self._timed_out(work))


def _worded(error: BaseException) -> str:
    """Return what an error says; its own words may fail, too."""
    try:
        said = str(error)
    except Exception:  # an author's error may have anything for its words
        said = "(its message cannot be read)"
    return clean(said if isinstance(error, TurnflowError) else f"{type(error).__name__}: {said}")[:2000]
