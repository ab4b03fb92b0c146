"""Actions at work for steps of flow graphs: bounded in number and time, beside their mailboxes, and brought back as events.

An action begins only after the commit that says so. It runs in a worker of a pool, without a task of its own; a watchdog ends one
that takes too long. One that ignores its end is left to itself and its result is late.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from msgspec import Raw

from turnflow.core.effects import CallAction
from turnflow.core.events import ActionFailed, ActionSucceeded
from turnflow.core.ids import EffectKey, InputId, MailboxId, Millis, RunId
from turnflow.core.inputs import clean
from turnflow.core.nodes import Settings
from turnflow.core.state import RunState
from turnflow.engine.mailbox import Item
from turnflow.engine.payloads import ForRun
from turnflow.engine.pool import Pool
from turnflow.engine.work_services import WorkServices
from turnflow.errors import TurnflowError, UserCodeError
from turnflow.ports import Action, ActionContext

if TYPE_CHECKING:
    from turnflow.engine.process import Process

log = logging.getLogger("turnflow.engine")

AT_ONCE: Final = 64
"""Actions under way in one process (guarantees: Limits)."""
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
        "beat",
        "call",
        "deadline",
        "idle",
        "mailbox",
        "recovered",
        "run",
        "settings",
        "started",
        "stopped",
        "task",
    )

    def __init__(
        self, mailbox: MailboxId, state: RunState, call: CallAction, settings: Settings, *, recovered: bool
    ) -> None:
        self.mailbox = mailbox
        self.run: RunId = state.run
        self.call = call
        self.settings = settings
        self.recovered = recovered
        self.started = 0.0
        self.beat = 0.0
        """When it last gave a sign of life."""
        self.deadline = 0.0
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
        self._loop = asyncio.get_running_loop()
        self._pool = pool
        self._breath = 0.0
        self._known: dict[EffectKey, Work] = {}
        self._waiting: deque[Work] = deque()
        self._busy = 0
        self._steps: Counter[tuple[str, str]] = Counter()

    def __len__(self) -> int:
        return len(self._known)

    def begin(self, mailbox: MailboxId, state: RunState, call: CallAction, *, recovered: bool = False) -> None:
        """Have an action run, unless it is under way already."""
        if call.key in self._known:
            return
        node = self._engine.flow_of(state).nodes.get(call.step)
        settings = node.settings if node is not None else Settings()
        work = self._known[call.key] = Work(mailbox, state, call, settings, recovered=recovered)
        self._offer(work)

    def cancel(self, key: EffectKey) -> None:
        """End an action whose outcome nobody waits for."""
        work = self._known.get(key)
        if work is not None:
            work.stop("abandoned", self._loop.time())

    def watch(self) -> None:
        """Look round once; called by the engine's watchdog."""
        now = self._loop.time()
        for work in list(self._known.values()):
            if work.stopped is not None:
                if work.task is not None and now - work.stopped[1] > GRACE:
                    self._leave(work)
            elif work.started and (now > work.deadline or (work.idle and now - work.beat > work.idle)):
                work.stop("timeout", now)

    def _offer(self, work: Work) -> None:
        limit = work.settings.concurrency
        if self._busy >= AT_ONCE or (limit and self._steps[work.call.job.action, work.call.step] >= limit):
            self._waiting.append(work)
            return
        self._busy += 1
        self._steps[work.call.job.action, work.call.step] += 1
        self._pool.put(self._run, work)

    def _free(self, work: Work) -> None:
        self._busy -= 1
        self._steps[work.call.job.action, work.call.step] -= 1
        for _ in range(len(self._waiting)):
            if self._busy >= AT_ONCE:
                break
            self._offer(self._waiting.popleft())

    async def _run(self, work: Work) -> None:
        if self._loop.time() - self._breath > BREATH:  # chains of quick actions must not hold up everybody else
            await asyncio.sleep(0)
            self._breath = self._loop.time()
        event = await self._outcome(work)
        if self._known.pop(work.call.key, None) is not work:
            return  # it was left to itself: its place has been given up already
        self._free(work)
        if event is not None:
            self._engine.crash("work.returned")
            self._report(work, event)

    def _report(self, work: Work, event: ActionSucceeded | ActionFailed) -> None:
        id = InputId(f"action:{work.call.key}")
        self._engine.post(work.mailbox, Item(ForRun(work.run, event), id, event.at, volatile=True))

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
        try:
            engine.crash("work.before")
            result = await action(bytes(call.job.input), self._context(work))
            engine.crash("work.after")
        except asyncio.CancelledError:
            if work.stopped is None:
                if work.task is not None and work.task.cancelling():
                    raise  # the worker itself is to end
                message = f"something that action {call.job.action!r} waited for was cancelled"
                return ActionFailed(engine.clock.now(), call.key, "cancelled", message)
            result = b""
        except Exception as error:  # actions may raise anything; all of it becomes an event
            if work.stopped is None:
                return self._failed(work, error)
            result = b""
        finally:
            if work.stopped is not None and work.task is not None:
                work.task.uncancel()
        stopped = work.stopped
        if stopped is not None:
            return self._timed_out(work) if stopped[0] == "timeout" else None
        if len(result) > OUTPUT_LIMIT:
            message = f"action {call.job.action!r} returned {len(result)} bytes; at most {OUTPUT_LIMIT}"
            return ActionFailed(engine.clock.now(), call.key, "output_too_large", message, final=True)
        return ActionSucceeded(engine.clock.now(), call.key, Raw(result))

    def _start(self, work: Work, action: Action) -> bool:
        """Set the limits of an attempt; tell whether any time is left for it."""
        settings, job = work.settings, work.call.job
        work.task = asyncio.current_task()
        work.started = work.beat = self._loop.time()
        whole = settings.timeout
        if whole is None and action.kind != "long_run":
            whole = STEP_LIMIT
        left = float("inf") if whole is None else (job.since + whole - self._engine.clock.now()) / 1000
        if settings.attempt_timeout is not None:
            left = min(left, settings.attempt_timeout / 1000)
        work.deadline = work.started + left
        work.idle = (settings.idle_timeout or 0) / 1000
        return left > 0

    def _context(self, work: Work) -> ActionContext:
        call = work.call
        key = call.job.key or f"{work.run}/{call.step}/{call.job.visit}"
        services = WorkServices(self._engine, work)
        return ActionContext(work.run, key, call.job.attempt, self._engine.resources, call.step, services)

    def _timed_out(self, work: Work) -> ActionFailed:
        settings, job = work.settings, work.call.job
        now = self._engine.clock.now()
        over = now >= job.since + (settings.timeout if settings.timeout is not None else STEP_LIMIT)
        silent = bool(work.idle) and self._loop.time() - work.beat > work.idle
        why = "gave no sign of life" if silent else "did not end"
        message = f"action {job.action!r} {why} in its time"
        return ActionFailed(now, work.call.key, "timeout", message, final=over)

    def _failed(self, work: Work, error: Exception) -> ActionFailed:
        code = error.code if isinstance(error, UserCodeError) else "exception"
        message = clean(str(error) if isinstance(error, TurnflowError) else f"{type(error).__name__}: {error}")[:2000]
        if isinstance(error, TurnflowError):
            self._engine.report(f"action of step {work.call.step!r} failed ({code}): {message}")
        else:  # a mistake of the author, who needs to see where
            log.warning("action of step %r failed: %s", work.call.step, message, exc_info=error)
        return ActionFailed(self._engine.clock.now(), work.call.key, clean(code), message)

    def _leave(self, work: Work) -> None:
        """Give up on an action that ignores its end."""
        self._known.pop(work.call.key, None)
        self._free(work)
        self._engine.report(f"action {work.call.job.action!r} ignores that it was cancelled; it is left to itself")
        if work.stopped is not None and work.stopped[0] == "timeout":
            self._report(work, self._timed_out(work))
