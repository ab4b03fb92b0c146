"""What somebody wants of a task, checked and put into the mailbox of its run as an event with their name on it."""

from __future__ import annotations

import secrets

from turnflow.core.definition import Flow
from turnflow.core.events import (
    ActionFailed,
    CancelRequested,
    Event,
    MoveRequested,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    RunForked,
)
from turnflow.core.graph import names, structure_of
from turnflow.core.ids import EffectKey, InputId, MailboxId, RunId, StepName
from turnflow.core.state import TERMINAL, RunState
from turnflow.engine.definitions import Definitions
from turnflow.engine.doors import Door
from turnflow.engine.payloads import ForRun
from turnflow.engine.task_book import TaskBook, parted
from turnflow.errors import CallerError
from turnflow.ports import Clock


class Orders:
    """Tells runs what to do."""

    def __init__(self, book: TaskBook, definitions: Definitions, door: Door, clock: Clock) -> None:
        self._book = book
        self._definitions = definitions
        self._door = door
        self._clock = clock

    async def cancel(self, id: str, by: str, reason: str) -> None:
        """End a run with all below it, or an action."""
        run, place = parted(id)
        state = await self._book.state(run)
        if place is not None:
            return await self._cancel_action(state, id, *place, by)
        if state.status == "cancelled":
            return None
        if state.status in TERMINAL:
            raise CallerError(f"task {id!r} has ended {state.status}; there is nothing left to cancel")
        return await self._tell(state, CancelRequested(self._clock.now(), by, reason))

    async def pause(self, id: str, by: str) -> None:
        """Let a run and all below it stand still."""
        state = await self._run(id, "pause")
        if state.status not in ("running", "waiting", "paused"):
            raise CallerError(f"task {id!r} is {state.status}; only one that is running or waiting can be paused")
        for each in await self._book.below(id):
            if each.status in ("running", "waiting"):
                await self._tell(each, PauseRequested(self._clock.now(), by))

    async def resume(self, id: str, by: str) -> None:
        """Let a run go on that stands still."""
        state = await self._run(id, "resume")
        if state.status == "paused":
            for each in await self._book.below(id):
                if each.status == "paused":
                    await self._tell(each, ResumeRequested(self._clock.now(), by))
        elif state.status not in ("created", "running", "waiting"):
            await self.retry(id, None, by)

    async def retry(self, id: str, step: str | None, by: str) -> None:
        """Let a run go on that failed or is stuck."""
        state = await self._run(id, "retry")
        match state.status:
            case "failed" | "stuck":
                pass
            case "blocked":
                raise CallerError(f"task {id!r} is blocked: {state.reason}; it goes on by itself once its code is back")
            case "completed" | "cancelled":
                raise CallerError(f"task {id!r} has ended {state.status}; fork it at one of its steps instead")
            case _:
                raise CallerError(f"task {id!r} is {state.status} and has not failed; move it to put it onto a step")
        rival = await self._book.rival(state) if state.status == "failed" else None
        if rival is not None:
            raise CallerError(
                f"run {rival!r} of flow {state.flow!r} is live for the same person or place; end it first"
            )
        if step is not None:
            await self._check(state, step)
        elif state.status == "failed" and state.fell is None:
            raise CallerError(f"task {id!r} was ended by its own flow; name the step on which it is to go on")
        await self._tell(state, RetryRequested(self._clock.now(), by, StepName(step or "")))

    async def move(self, id: str, step: str, by: str) -> None:
        """Put a run onto a step."""
        state = await self._run(id, "move")
        if state.status in TERMINAL:
            remedy = "retry it with the step" if state.status == "failed" else "fork it at the step"
            raise CallerError(f"task {id!r} has ended {state.status}; {remedy} instead")
        await self._check(state, step)
        await self._tell(state, MoveRequested(self._clock.now(), StepName(step), by))

    async def fork(self, id: str, step: str | None, by: str) -> RunId:
        """Start a copy of a run and return its id."""
        state = await self._run(id, "fork")
        flow = await self._check(state, step)
        ended = state.status in TERMINAL and (state.fell is None or not flow.is_graph)
        if step is None and ended:
            raise CallerError(f"task {id!r} has ended {state.status}; name the step at which its copy is to go on")
        run = RunId(secrets.token_hex(10))
        mailbox = state.mailbox if state.conversation else MailboxId(f"run:{run}")
        event = RunForked(self._clock.now(), state, mailbox, StepName(step or ""), by)
        await self._door.put(mailbox, ForRun(run, event), InputId(f"start:{run}"))
        return run

    async def _run(self, id: str, what: str) -> RunState:
        run, place = parted(id)
        if place is not None:
            raise CallerError(f"{id!r} is an action, which can only be cancelled; {what} its run {run!r}")
        return await self._book.state(run)

    async def _check(self, state: RunState, step: str | None) -> Flow:
        """Return the definition of a run. Raises `CallerError` unless a step can be gone to from outside."""
        flow = await self._definitions.of(state.flow, state.version, state.digest)
        if flow is None:
            raise CallerError(f"nobody has the definition of flow {state.flow!r} version {state.version} any more")
        known = names(flow)
        if step is not None and step not in known:
            raise CallerError(f"flow {state.flow!r} has no step {step!r}; it has: {', '.join(known)}")
        around = structure_of(flow).group.get(StepName(step)) if step is not None else None
        if around is not None:
            raise CallerError(f"step {step!r} is inside of group {around!r}; name the group, which begins anew")
        return flow

    async def _cancel_action(self, state: RunState, id: str, path: str, visit: int, by: str) -> None:
        task = await self._book.get(id)
        if task.error is not None and task.error.code == "cancelled":
            return
        cursors = (cursor for cursor in state.cursors if cursor.prefix + cursor.step == path)
        job = next((cursor.job for cursor in cursors if cursor.job is not None and cursor.job.visit == visit), None)
        if task.ended is not None or job is None:
            raise CallerError(f"task {id!r} is not under way any more; there is nothing left to cancel")
        key = EffectKey(f"{state.run}:{job.visit}.{job.attempt}")
        await self._tell(state, ActionFailed(self._clock.now(), key, "cancelled", f"cancelled by {by}", final=True))

    async def _tell(self, state: RunState, event: Event) -> None:
        await self._door.put(state.mailbox, ForRun(state.run, event), InputId(f"told:{secrets.token_hex(10)}"))
