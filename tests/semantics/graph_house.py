"""A house for flow graphs of a test: actions that can be told what to do, and what became of the run."""

from __future__ import annotations

import asyncio
from collections import Counter

from msgspec import json

from turnflow import Registry, action
from turnflow.core.ids import Json, RunId
from turnflow.core.state import RunState
from turnflow.declarative import load_flow
from turnflow.engine.outcomes import results_of
from turnflow.errors import UserCodeError
from turnflow.testing import Rehearsal


class House:
    """Actions `do` (returns its `value`), `fail` (with `code`), `hold` (until let go) and `flaky` (fails the first times)."""

    def __init__(self) -> None:
        self.done: list[Json] = []
        """What `do` was asked for, in order."""
        self.tried: Counter[str] = Counter()
        """How often each other action was begun, by its `name`."""
        self.ended: list[str] = []
        """Names of those that were cancelled."""
        self.gates: dict[str, asyncio.Event] = {}
        self.broken = True
        """`flaky` without a number of `times` fails as long as this holds."""

    def open(self, name: str) -> None:
        """Let an action that is held return."""
        self.gates.setdefault(name, asyncio.Event()).set()

    def registry(self, *texts: str) -> Registry:
        """Return the flows, each callable, and the actions."""
        registry = Registry()
        for text in texts:
            graph = load_flow(text)
            registry.register(graph, on=graph.triggers, callable=True)

        @action(name="do")
        async def do(given: dict[str, Json]) -> Json:
            self.done.append(given.get("value"))
            return given.get("value")

        @action(name="fail")
        async def fail(given: dict[str, Json]) -> Json:
            self.tried[str(given.get("name"))] += 1
            raise UserCodeError(str(given.get("code", "own")), "no")

        @action(name="hold")
        async def hold(given: dict[str, Json]) -> Json:
            name = str(given["name"])
            self.tried[name] += 1
            try:
                await self.gates.setdefault(name, asyncio.Event()).wait()
            except asyncio.CancelledError:
                self.ended.append(name)
                raise
            return given.get("value", name)

        @action(name="flaky")
        async def flaky(given: dict[str, Json]) -> Json:
            name, times = str(given.get("name")), given.get("times")
            self.tried[name] += 1
            if self.tried[name] <= times if isinstance(times, int) else self.broken and given.get("bad", True):
                raise UserCodeError("own", "not yet")
            return given.get("value", name)

        for each in (do, fail, hold, flaky):
            registry.register_action(each)
        return registry


async def ended(play: Rehearsal, run: str) -> RunState:
    """Return a run once it has ended."""
    return await reached(play, run, "completed", "failed", "cancelled")


async def reached(play: Rehearsal, run: str, *status: str) -> RunState:
    """Return a run once it has one of the statuses."""
    async with asyncio.timeout(20):
        while True:
            await play.settle()
            found = next((state for state in await play.runs() if state.run == run), None)
            if found is not None and found.status in status:
                return found
            await asyncio.sleep(0.002)


def result(state: RunState) -> Json:
    """Return what a run came to; it must have completed."""
    assert state.ending is not None
    assert state.ending.outcome == "completed", state.ending
    return None if state.ending.result is None else json.decode(state.ending.result)


def code(state: RunState) -> str:
    """Return why a run failed."""
    assert state.ending is not None
    assert state.ending.error is not None, state.ending
    return state.ending.error.code


async def kept(play: Rehearsal, run: str) -> dict[str, str]:
    """Return the newest status of each path."""
    found = [result for result in await results_of(play.store, RunId(run)) if not result.late]
    return {result.path: result.status for result in sorted(found, key=lambda r: (r.visit, r.attempts))}
