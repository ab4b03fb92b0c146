"""Graphs around actions that can be held up, for tests of what becomes of actions under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import msgspec

from tests.faults.house import House
from turnflow import Registry
from turnflow.core.frames import StepResult
from turnflow.core.ids import Json, RunId
from turnflow.core.state import RunState
from turnflow.declarative import load_flow
from turnflow.engine import background, process, works
from turnflow.engine.outcomes import results_of
from turnflow.ports import Action, ActionContext, ActionKind


class Bench:
    """Actions by name that run what a test hands in, and what is known of their calls."""

    def __init__(self) -> None:
        self.calls: list[ActionContext] = []
        self.ended: list[str] = []
        self.gate = asyncio.Event()
        self.now = 0
        self.most = 0
        """How many calls were under way at once."""

    async def wait(self, argument: bytes, context: ActionContext) -> bytes:
        """Wait for the gate; note how it ended."""
        self.calls.append(context)
        self.now += 1
        self.most = max(self.most, self.now)
        how = "cancelled"
        try:
            await self.gate.wait()
            how = "returned"
        finally:
            self.now -= 1
            self.ended.append(how)
        return argument

    async def deaf(self, argument: bytes, context: ActionContext) -> bytes:
        """Wait for the gate, whoever cancels that."""
        self.calls.append(context)
        while not self.gate.is_set():
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.ended.append("ignored")
        self.ended.append("returned")
        return b'"late"'

    async def first_waits(self, argument: bytes, context: ActionContext) -> bytes:
        """Wait at the first attempt only."""
        if context.attempt > 1:
            self.calls.append(context)
            return argument
        return await self.wait(argument, context)


class Does:
    """`ports.Action` around a function on bytes."""

    def __init__(self, name: str, code: Callable[[bytes, ActionContext], object], kind: ActionKind = "sync") -> None:
        self._name = name
        self._code = code
        self._kind: ActionKind = kind

    @property
    def name(self) -> str:
        return self._name

    @property
    def kind(self) -> ActionKind:
        return self._kind

    async def __call__(self, argument: bytes, context: ActionContext) -> bytes:
        result = self._code(argument, context)
        return await result if asyncio.iscoroutine(result) else result  # type: ignore[return-value]  # because whatever it is


def registry(*documents: str, **actions: Callable[[bytes, ActionContext], object] | Action) -> Registry:
    """Return a registry with graphs and actions."""
    known = Registry()
    for document in documents:
        graph = load_flow(document)
        known.register(graph, on=graph.triggers, callable=True)
    for name, code in actions.items():
        known.register_action(Does(name, code) if not hasattr(code, "kind") else code)  # type: ignore[arg-type]  # because the other kind is left by then
    return known


CATCH = "[{error: ['*'], to: failed}, {to: done}]"
"""Outputs of a step whose failure is a result of its run."""


def one(settings: str = "", *, name: str = "one", action: str = "act", outputs: str = "[{to: done}]") -> str:
    """A graph of one action step."""
    failed = (
        """
  failed: {kind: end, output: "failed ${error.code}"}"""
        if outputs == CATCH
        else ""
    )
    return f"""
flow: {name}
start: step
steps:
  step: {{action: {action}, input: "${{'x'}}", settings: {{{settings}}}, outputs: {outputs}}}{failed}
  done: {{kind: end, output: "${{steps.step.output}}"}}
"""


def hasten(monkeypatch_setattr: Callable[[object, str, object], None]) -> None:
    """Let time be short: looks round, graces and stops."""
    for place, name, value in (
        (process, "LOOK_ROUND", 0.005),
        (works, "GRACE", 0.05),
        (process, "STOP_WITHIN", 0.2),
        (background, "PATIENCE", 0.2),
    ):
        monkeypatch_setattr(place, name, value)


async def until(true: Callable[[], bool], what: str = "it to happen") -> None:
    """Wait until something is the case."""
    end = monotonic() + 20
    while not true():
        assert monotonic() < end, f"waited 20 s for {what}"
        await asyncio.sleep(0.002)


async def ended(home: House, run: RunId) -> RunState:
    """Wait until a run has ended."""
    async with asyncio.timeout(10):
        await home.engine.finished(run)
    return await home.engine.inspect(run)


def result(state: RunState) -> Json:
    """Return what a run came to; the code of its failure if it failed."""
    assert state.ending is not None
    if state.ending.error is not None:
        return state.ending.error.code
    return msgspec.json.decode(state.ending.result) if state.ending.result is not None else None


async def rows(home: House, run: RunId) -> list[StepResult]:
    """Return what the steps of a run came to."""
    return await results_of(home.store, run)


async def kill(home: House) -> None:
    """End the process as a kill would."""
    await home.process.abandon()
    await home.store.renew(home.process.leases.holder, 0)
    home.process.leases.release = _nothing  # type: ignore[method-assign]  # because the dead give nothing back


async def _nothing() -> None:
    pass


def no_cancellation_left(home: House) -> bool:
    """The workers have all taken back what was meant for the actions."""
    return not any(task.cancelling() for task in home.process._tasks._members)
