"""Events under faults: a kill at any point between publishing and hearing, stores that fail, and everything at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final, TypeVar

import pytest

from tests.faults.driving import Killer
from tests.faults.faulty import Faults, faulty
from tests.faults.sweep import Hit, forked
from tests.semantics.events import Post, posting, registry_of
from turnflow import Engine, Registry, open_engine
from turnflow.core.definition import Trigger
from turnflow.core.ids import At
from turnflow.errors import StoreUnavailable
from turnflow.ports import Commit, CommitOutcome, EventRecord, SubscriptionRecord
from turnflow.stores import MemoryStore, open_store
from turnflow.testing.clock import FakeClock

T = TypeVar("T")
WAITER: Final = """
flow: waiter
start: ready
steps:
  ready: {topic: ready, outputs: [{to: paid}]}
  paid: {topic: order.*, correlate: "${input.order}", match: "event.data.total > 10", outputs: [{to: done}]}
  done: {kind: end, output: "${output.id}"}
"""
WATCHER: Final = """
flow: watcher
start: end
steps:
  end: {topic: flow.waiter.completed, correlate: "${input.run}", outputs: [{to: done}]}
  done: {kind: end, output: "${output.data.result}"}
"""
STARTED: Final = """
flow: started
start: done
steps:
  done: {kind: end, output: "${input.total}"}
"""
TRIGGERS: Final = {"started": Trigger("event", "order.**")}
STEPS: Final[tuple[tuple[str, ...], ...]] = (
    ("start", "early"),
    ("start", "late"),
    ("publish", "order.paid", "small", "early", "5"),
    ("publish", "order.paid", "first", "early", "11"),
    ("publish", "order.paid", "second", "early", "12"),
    ("watch",),
    ("publish", "ready", "go", "", "0"),
    ("publish", "order.paid", "third", "late", "13"),
)
"""What the host program does: runs that begin, events (topic, id, key, total), runs that wait for the end of others."""


def registry() -> Registry:
    return registry_of(WAITER, WATCHER, STARTED, triggers=TRIGGERS)


async def act(engine: Engine, step: Sequence[str]) -> None:
    match step:
        case ("start", order):
            await engine.start("waiter", {"order": order}, key=order)
        case ("publish", topic, id, key, total):
            await engine.publish(topic, {"total": int(total)}, key=key, id=id)
        case _:
            for order in ("early", "late"):
                run = await engine.start("waiter", {"order": order}, key=order)
                await engine.start("watcher", {"run": run}, key=order)


async def play(folder: Path, killer: Callable[[str], None]) -> None:
    """Do what has not been acknowledged yet, as a host program would, and wait until nothing is going on."""
    notebook = folder / "notebook"
    done = notebook.read_text().count("\n") if notebook.exists() else 0
    store = open_store(f"sqlite:///{folder}/turns.db", crash=killer)
    async with open_engine(registry(), store=store, clock=FakeClock(), crash=killer) as engine:
        post = Post(engine, FakeClock())
        for step in STEPS[done:]:
            await act(engine, step)
            with notebook.open("a") as file:
                file.write("done\n")
            if step[1:2] == ("late",):
                await post.rest()  # both wait by now; everything else happens at once
        await post.rest()


def forked_play(folder: Path, kill: Hit = ("", 0)) -> bool:
    """Play in a process of its own; tell whether it was killed."""
    ended_by = forked(lambda: asyncio.run(play(folder, Killer(*kill))), folder / "trouble")
    assert ended_by in (0, signal.SIGKILL)
    return ended_by == signal.SIGKILL


async def found(folder: Path) -> dict[str, list[str]]:
    """Return what everything came to."""
    async with posting(registry(), f"sqlite:///{folder}/turns.db") as post:
        await post.rest()
        topics = ("ready", "order.paid", "flow.waiter.completed")
        return {
            "waiter": await results(post, "waiter"),
            "watcher": await results(post, "watcher"),
            "started": await results(post, "started"),
            "events": sorted(str(event.id) for event in await post.events("order.**")),
            "left": [row.run for topic in topics for row in await post.waiting(topic)],
        }


async def results(post: Post, flow: str) -> list[str]:
    return sorted([str(await post.result(row.run)) for row in await post.runs(flow)])


WANTED: Final = {
    "waiter": ["first", "third"],
    "watcher": ["first", "third"],
    "started": ["11", "12", "13", "5"],
    "events": ["first", "second", "small", "third"],
    "left": [],
}
POINTS: Final = ("store.commit.before_durable", "store.commit.after_durable", "turn.begin")


@pytest.mark.crash
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_between_publishing_and_hearing_loses_nothing_and_repeats_nothing(
    tmp_path: Path, point: str, record_property: Callable[[str, object], None]
) -> None:
    kills = 0
    while True:
        folder = tmp_path / str(kills)
        folder.mkdir()
        killed = forked_play(folder, (point, kills + 1))
        if killed:
            forked_play(folder)
        assert asyncio.run(found(folder)) == WANTED, f"after a kill at {point}, hit {kills + 1}"
        if not killed:
            break
        kills += 1
    record_property("kills", kills)
    assert kills >= 8


async def insist(engine: Engine, step: Sequence[str]) -> None:
    """Do something again until it is acknowledged, under the same id."""
    while True:
        try:
            return await act(engine, step)
        except StoreUnavailable:
            continue


@pytest.mark.parametrize("name", ["memory", "sqlite"])
@pytest.mark.parametrize("seed", range(6))
async def test_a_store_that_fails_now_and_then_loses_no_event(tmp_path: Path, name: str, seed: int) -> None:
    faults = Faults(seed)
    async with posting(registry(), faulty(name, tmp_path, faults)) as post:
        faults.rate = 0.1
        for step in STEPS:
            await insist(post.engine, step)
            if step[1:2] == ("late",):
                await post.rest()
        await post.rest()
        faults.rate = 0.0
        await everything_ended(post)
        assert await results(post, "waiter") == await results(post, "watcher") == ["first", "third"]


async def everything_ended(post: Post) -> None:
    """Wait until everything has ended that was begun: mailboxes that could not be read are tried again after a while."""
    statuses: list[str] = []
    for _ in range(1000):
        rows = [row for flow in ("waiter", "watcher", "started") for row in await post.runs(flow)]
        statuses = [row.status for row in rows]
        if statuses == ["completed"] * 8:
            return
        await asyncio.sleep(0.01)
        await post.rest()
    raise AssertionError(f"after ten seconds: {statuses}")


class Hesitant(MemoryStore):
    """A memory store that takes its time, so that others come in between."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = Random(seed)

    async def _hesitate(self) -> None:
        for _ in range(self.random.randrange(4)):
            await asyncio.sleep(0)

    async def commit(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        await self._hesitate()
        outcomes = await super().commit(commits)
        await self._hesitate()
        return outcomes

    async def subscribers(self, topic: str, correlation: str) -> list[SubscriptionRecord]:
        await self._hesitate()
        found = await super().subscribers(topic, correlation)
        await self._hesitate()
        return found

    async def events(
        self, topic: str, correlation: str, since: At, limit: int, after: tuple[At, int] | None = None
    ) -> list[EventRecord]:
        await self._hesitate()
        found = await super().events(topic, correlation, since, limit, after)
        await self._hesitate()
        return found


async def after(ticks: int, work: Awaitable[T]) -> T:
    """Do something a few rounds of the loop later."""
    for _ in range(ticks):
        await asyncio.sleep(0)
    return await work


@pytest.mark.parametrize("seed", range(40))
async def test_an_event_finds_the_wait_that_begins_at_the_same_moment(seed: int) -> None:
    """Whatever is read and written before what."""
    flow = "flow: meets\nstart: wait\nsteps: {wait: {topic: hello}}"
    ticks = Random(seed)
    async with posting(registry_of(flow), Hesitant(seed)) as post:
        async with asyncio.TaskGroup() as together:
            together.create_task(after(ticks.randrange(30), post.engine.publish("hello", id="once")))
            starts = [after(ticks.randrange(60), post.engine.start("meets")) for _ in range(3)]
            runs = [together.create_task(start) for start in starts]
        await post.rest()
        assert [await post.status(run.result()) for run in runs] == ["completed"] * 3
        assert await post.waiting("hello") == []
