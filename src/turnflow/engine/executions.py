"""User code at work: bounded in time, never in the way of its mailbox for longer than about a second.

A handler runs inside the turn's own task, without a task of its own. A watchdog looks round every quarter of a second: a call
older than a second is detached (its turn is committed as `running` and the mailbox goes on), one over its time limit is
cancelled, and so is one whose run has moved on without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Raw

from turnflow.core.effects import RunHandler
from turnflow.core.events import Event, HandlerAnswered, HandlerFailed
from turnflow.core.ids import InputId, RunId
from turnflow.core.inputs import clean
from turnflow.engine.calls import CallRecorder
from turnflow.engine.loading import NOTHING
from turnflow.engine.mailbox import Item
from turnflow.engine.payloads import ForRun, Resume, unwritable
from turnflow.errors import TurnflowError, UserCodeError

if TYPE_CHECKING:
    from turnflow.engine.process import Process
    from turnflow.engine.turn import Turn

log = logging.getLogger("turnflow.engine")

DETACH_AFTER: Final = 1.0
"""Seconds after which a handler no longer holds its mailbox."""
LOOK_ROUND: Final = 0.25
HANDLER_LIMIT: Final = 300.0
"""Seconds a handler may take if its step says nothing else."""
DATA_LIMIT: Final = 1 << 20
"""Most bytes of a run's data."""
_encode: Final = msgspec.json.Encoder().encode


class Execution:
    """One call of user code under way."""

    __slots__ = ("call", "limit", "run", "started", "stopped", "task", "turn")

    def __init__(self, turn: Turn, run: RunId, call: RunHandler, task: asyncio.Task[object], started: float) -> None:
        self.turn = turn
        self.run = run
        self.call = call
        self.task = task
        self.started = started
        self.limit = HANDLER_LIMIT
        self.stopped = ""
        """Why it was cancelled by us: `timeout` or `abandoned`."""

    def stop(self, why: str) -> None:
        """Cancel the call, once."""
        if not self.stopped:
            self.stopped = why
            self.task.cancel()

    def close(self) -> None:
        """Take our cancellation back, which the code may have swallowed; if the worker itself was cancelled, let it end."""
        if self.stopped:
            self.task.uncancel()
        if self.task.cancelling():
            raise asyncio.CancelledError


class Executions:
    """All calls of user code under way in this process."""

    def __init__(self, engine: Process) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._running: set[Execution] = set()

    def __len__(self) -> int:
        return len(self._running)

    async def execute(self, turn: Turn, run: RunId, call: RunHandler) -> Event | None:
        """Run user code and return the event it came to; None if nobody wants it any more."""
        engine = self._engine
        state = turn.works[run].state
        handlers = engine.pins.handlers(state)
        if handlers is None:
            return HandlerFailed(engine.clock.now(), call.key, "missing_code", f"flow {state.flow!r} is not registered")
        execution = self._begin(turn, run, call)
        self._running.add(execution)
        services = CallRecorder(engine, turn, run, call)
        try:
            answer = await handlers.run(call, state, services)
        except asyncio.CancelledError:
            if not execution.stopped:
                return HandlerFailed(
                    engine.clock.now(), call.key, "cancelled", "something the handler waited for was cancelled"
                )
            answer = None
        except Exception as error:  # user code may raise anything; all of it becomes an event
            if not execution.stopped:
                return self._failed(call, error)
            answer = None
        finally:
            self._running.discard(execution)
            execution.close()
        if answer is None or execution.stopped:
            return self._over(execution)
        patch = dict(answer.patch)
        if patch and _is_large({**state.data, **patch}):
            message = f"the data of a run may have {DATA_LIMIT} bytes; step {call.owed.step!r} wrote more"
            return HandlerFailed(engine.clock.now(), call.key, "data_too_large", message)
        answered = HandlerAnswered(engine.clock.now(), call.key, answer.directive, answer.says, patch, answer.scene)
        flaw = unwritable(answered)
        if flaw:
            message = f"step {call.owed.step!r} answered with text that cannot be stored: {flaw}"
            return HandlerFailed(engine.clock.now(), call.key, "invalid_text", message)
        services.hand_over()
        return answered

    def _begin(self, turn: Turn, run: RunId, call: RunHandler) -> Execution:
        task = asyncio.current_task()
        assert task is not None
        execution = Execution(turn, run, call, task, self._loop.time())
        step = turn.works[run].flow.steps.get(call.owed.step)
        if step is not None:
            limit = step.settings.attempt_timeout or step.settings.timeout
            if limit is not None:
                execution.limit = _left(limit, step.settings.timeout, call, self._engine.clock.now()) / 1000
        return execution

    def _over(self, execution: Execution) -> HandlerFailed | None:
        """Return what a call that we stopped came to, whatever it did about that; None if nobody wants it any more."""
        if execution.stopped == "abandoned":
            return None
        call = execution.call
        message = f"step {call.owed.step!r} took longer than {execution.limit:g} s"
        return HandlerFailed(self._engine.clock.now(), call.key, "timeout", message)

    def _failed(self, call: RunHandler, error: Exception) -> HandlerFailed:
        code = error.code if isinstance(error, UserCodeError) else _code_of(error)
        message = clean(f"{type(error).__name__}: {error}"[:2000])
        where = f"{call.owed.phase} of step {call.owed.step!r} failed ({code})"
        if isinstance(error, TurnflowError):
            self._engine.report(f"{where}: {error}")
        else:  # a mistake of the author, who needs to see where
            log.warning("%s: %s", where, message, exc_info=error)
        return HandlerFailed(self._engine.clock.now(), call.key, clean(code), message)

    def answered(self, turn: Turn, run: RunId, call: RunHandler, event: Event | None) -> None:
        """Bring the answer of a detached call back into its mailbox."""
        hot = turn.hot
        hot.detached -= 1
        kept = turn.item.seq if isinstance(turn.item.payload, Resume) else 0
        if event is not None:
            payload = ForRun(run, event, turn.begins)
            also = (kept,) if kept else ()
            id = InputId(f"answer:{call.key}")
            self._engine.enqueue(hot, Item(payload, id, self._engine.clock.now(), also=also))
        elif kept:  # nobody wants the answer: what asked for it is done with
            self._engine.enqueue(hot, Item(NOTHING, turn.item.id, turn.item.at, kept))

    def watch(self) -> None:
        """Look round once; called by the engine's watchdog."""
        now = self._loop.time()
        for execution in list(self._running):
            turn = execution.turn
            age = now - execution.started
            if age > execution.limit:
                execution.stop("timeout")
            elif turn.detached:
                state = turn.hot.runs.get(execution.run)
                if turn.hot.loaded and not turn.hot.busy and (state is None or state.inflight != execution.call.key):
                    execution.stop("abandoned")
            elif age > DETACH_AFTER and not turn.recording:
                self.detach(turn)

    def detach(self, turn: Turn) -> None:
        """Commit a turn as it stands and let its mailbox go on without the call that is under way."""
        turn.detached = True
        turn.hot.detached += 1
        turn.finish_up()
        rest = [(run, call) for run, call in turn.calls if turn.works[run].state.inflight == call.key]
        turn.calls.clear()
        for run, call in rest:
            id = InputId(f"resume:{call.key}")
            self._engine.enqueue(turn.hot, Item(Resume(run, call.key), id, self._engine.clock.now()))
        self._engine.submit(turn)

    def withdraw(self, turn: Turn) -> None:
        """Give up the call of a detached turn that could not be written: the item is applied anew."""
        for execution in list(self._running):
            if execution.turn is turn:
                execution.stop("abandoned")


def _left(limit: int, whole: int | None, call: RunHandler, now: int) -> float:
    """Return how many milliseconds an attempt may take, so that all attempts together stay within the step's time."""
    if whole is None:
        return float(limit)
    return float(max(1, min(limit, call.owed.since + whole - now)))


def _is_large(data: Mapping[str, Raw]) -> bool:
    """Tell whether data is over the limit. All of it encoded is more than its values, and found out faster."""
    return len(_encode(data)) > DATA_LIMIT and sum(memoryview(value).nbytes for value in data.values()) > DATA_LIMIT


def _code_of(error: Exception) -> str:
    return "engine" if isinstance(error, TurnflowError) else "exception"
