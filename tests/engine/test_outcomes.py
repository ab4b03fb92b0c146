"""Results in memory: whatever is dropped and read again, expressions come to the same values."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.house import house, stores
from tests.faults.works import Bench, ended, hasten, kill, registry, result, rows, until
from turnflow import Registry
from turnflow.core.ids import Json, RunId
from turnflow.engine import outcomes
from turnflow.engine.outcomes import Outcomes
from turnflow.ports import ActionContext
from turnflow.stores import MemoryStore

STORES = pytest.mark.parametrize("name", ["memory", "sqlite"])
ALL = """
flow: all
triggers: [{command: all}]
start: first
steps:
  first: {action: echo, input: {a: "${input.n}", b: [1, 2]}, outputs: [{to: hits}]}
  refuse:
    action: refuse
    input: "${item}"
    outputs: [{error: ["*"], to: caught}]
  caught: {action: echo, input: "${error.code + ' of ' + error.step + ' for ' + string(item) + ' at ' + string(index)}"}
  cell: {action: echo, input: "${string(row) + '.' + string(col) + '.' + steps.first.output.b.map(x, string(x))[0]}"}
  again: {action: echo, input: "${steps.cell.output + '!'}"}
  left: {action: echo, input: "${string(has(steps.first.output))}"}
  right: {action: echo, input: "${steps.hits.output}"}
  round: {action: echo, input: "${index}"}
  wait: {kind: timer, duration: 5m, outputs: [{to: heard}]}
  heard: {action: echo, input: "${'waited'}", outputs: [{to: last}]}
  last:
    action: echo
    input:
      grid: "${steps.grid.output}"
      sides: "${steps.sides.output}"
      hits: "${steps.hits.output}"
      rounds: "${steps.rounds.output}"
      output: "${output}"
      first: "${steps.first.output.a}"
      flow: "${run.flow}"
    outputs: [{to: done}]
  done: {kind: end, output: "${steps.last.output}"}
groups:
  hits: {kind: loop, over: "${['x', 'y', 'z']}", steps: [refuse], outputs: [{to: grid}]}
  grid: {kind: loop, over: "${[1, 2, 3]}", as: row, steps: [columns], limit: 2, outputs: [{to: sides}]}
  columns: {kind: loop, over: "${[10, 20]}", as: col, steps: [cell, again], limit: 2}
  sides: {kind: parallel, steps: [left, right], outputs: [{to: rounds}]}
  rounds: {kind: loop, until: "index >= 2", steps: [round], outputs: [{to: wait}]}
"""
EXPECTED: Json = {
    "grid": [[f"{row}.{col}.1!" for col in (10, 20)] for row in (1, 2, 3)],
    "sides": ["true", [f"exception of refuse for {item} at {at}" for at, item in enumerate("xyz")]],
    "hits": [f"exception of refuse for {item} at {at}" for at, item in enumerate("xyz")],
    "rounds": [0, 1, 2],
    "output": "waited",
    "first": 5,
    "flow": "all",
}


def everything(dropping: bool) -> Registry:
    """The graph; each action empties the cache if that is wanted."""

    def echo(argument: bytes, context: ActionContext) -> bytes:
        if dropping:
            drop()
        return argument

    def refuse(argument: bytes, context: ActionContext) -> bytes:
        if dropping:
            drop()
        raise ValueError("no")

    drop: Dropping = Dropping()
    flows = registry(ALL, echo=echo, refuse=refuse)
    DROPS[id(flows)] = drop
    return flows


class Dropping:
    """Empties the cache of an engine."""

    outcomes: Outcomes | None = None
    times = 0

    def __call__(self) -> None:
        if self.outcomes is not None:
            self.times += 1
            for run in list(self.outcomes._runs):
                self.outcomes.forget(run)


DROPS: dict[int, Dropping] = {}


@STORES
@pytest.mark.parametrize("how", ["kept", "dropped", "small"])
async def test_a_graph_comes_to_the_same_whatever_memory_forgets(
    tmp_path: Path, name: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "small":
        monkeypatch.setattr(outcomes, "RUNS_KEPT", 1)
        monkeypatch.setattr(outcomes, "PATHS_KEPT", 2)
        monkeypatch.setattr(outcomes, "LISTS_KEPT", 1)
    flows, store = everything(dropping=how == "dropped"), stores(tmp_path)[name]
    async with house(flows, store, hot_limit=1 if how == "small" else 100) as home:
        DROPS[id(flows)].outcomes = home.process.outcomes
        runs = [await home.engine.start("all", {"n": 5}) for _ in range(3)]
        await home.rest()
        await home.wait(minutes=6)
        for run in runs:
            assert result(await ended(home, run)) == EXPECTED
        await home.verify()
        assert how != "dropped" or DROPS[id(flows)].times > 30
        assert home.process.outcomes._count == sum(len(known.results) for known in home.process.outcomes._runs.values())
        assert not home.process.outcomes._held


@STORES
async def test_a_graph_comes_to_the_same_after_a_restart_in_the_middle(tmp_path: Path, name: str) -> None:
    flows, store = everything(dropping=False), stores(tmp_path)[name]
    async with house(flows, store) as home:
        run = await home.engine.start("all", {"n": 5})
        await home.rest()
        assert (await home.engine.inspect(run)).status == "waiting"
    async with house(flows, store, clock=home.clock) as again:
        await again.wait(minutes=6)
        assert result(await ended(again, run)) == EXPECTED
        await again.verify()


async def test_fifty_graphs_at_once_end_although_memory_keeps_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(outcomes, "RUNS_KEPT", 1)
    monkeypatch.setattr(outcomes, "PATHS_KEPT", 1)
    async with house(everything(dropping=False), stores(tmp_path)["sqlite"]) as home:
        runs = [await home.engine.start("all", {"n": 5}) for _ in range(50)]
        await home.rest()
        await home.wait(minutes=6)
        assert all([result(await ended(home, run)) == EXPECTED for run in runs])
        await home.verify()


LONG = """
flow: long
start: all
steps:
  step: {action: act, input: "${item * 2}"}
  next: {action: act, input: "${steps.step.output + 1}"}
groups:
  all: {kind: loop, over: "${input.items}", steps: [step, next], limit: 50}
"""


async def test_a_loop_of_two_thousand_items_loses_nothing_when_memory_is_dropped_in_the_middle(tmp_path: Path) -> None:
    drop, calls = Dropping(), list[int]()

    def act(argument: bytes, context: ActionContext) -> bytes:
        calls.append(1)
        if len(calls) % 500 == 0:
            drop()
        return argument

    async with house(registry(LONG, act=act), stores(tmp_path)["sqlite"]) as home:
        drop.outcomes = home.process.outcomes
        run = await home.engine.start("long", {"items": list(range(2000))})
        assert result(await ended(home, run)) == [item * 2 + 1 for item in range(2000)]
        assert len(calls) == 4000
        await home.verify()


async def test_a_start_that_is_repeated_after_its_run_was_forgotten_changes_nothing_of_what_that_sees() -> None:
    bench = Bench()
    document = """
flow: one
start: first
steps:
  first: {action: echo, input: "${'one'}", outputs: [{to: hold}]}
  hold: {action: held, input: "${'two'}", outputs: [{to: done}]}
  done: {kind: end, output: "${steps.first.output + steps.hold.output}"}
"""
    flows = registry(document, echo=lambda argument, context: argument, held=bench.wait)
    async with house(flows) as home:
        run = await home.engine.start("one", key="k")
        await until(lambda: bool(bench.calls))
        home.process.outcomes.forget(run)
        seen, home.store.seen = home.store.seen, _unseen  # type: ignore[method-assign]  # because it is accepted at the same time
        assert await home.engine.start("one", key="k") == run
        home.store.seen = seen  # type: ignore[method-assign]  # because it is put back
        bench.gate.set()
        assert result(await ended(home, run)) == "onetwo"
        await home.verify()


async def _unseen(id: str) -> bool:
    return False


async def test_what_another_process_went_on_with_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same path has a newer result than the one that memory holds."""
    hasten(monkeypatch.setattr)
    bench, store = Bench(), MemoryStore()
    document = """
flow: one
start: round
steps:
  count: {action: count, input: "${index}"}
  hold: {action: held, input: "${steps.count.output}"}
groups:
  round: {kind: loop, until: "index >= 1", steps: [count, hold]}
"""
    flows = registry(document, count=lambda argument, context: argument, held=bench.wait)
    async with house(flows, store) as home:
        run = await home.engine.start("one")
        await until(lambda: bool(bench.calls))
        old = home.process.outcomes
        await kill(home)
    bench.gate.set()
    async with house(flows, store, clock=home.clock) as again:
        again.process.outcomes._runs.update(old._runs)
        assert result(await ended(again, run)) == [0, 1]
        assert [row.path for row in await rows(again, run) if row.path.endswith("count")] == [
            "round[0]/count",
            "round[1]/count",
        ]


async def test_what_is_read_for_one_is_kept_until_it_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "RUNS_KEPT", 2)
    store = MemoryStore()
    await store.open()
    kept, holder = Outcomes(store), object()
    missing = outcomes.NotLoaded(RunId("r0"), "a")
    await kept.load(missing, holder)
    for number in range(1, 10):
        kept.begin(RunId(f"r{number}"))
    assert kept.get(RunId("r0"), "a") is None
    kept.let_go(holder)
    for number in range(1, 10):
        kept.begin(RunId(f"r{number}"))
    with pytest.raises(outcomes.NotLoaded):
        kept.get(RunId("r0"), "a")
