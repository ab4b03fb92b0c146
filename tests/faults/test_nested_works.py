"""What actions ask for while they run: other actions, recorded once for their place, and runs below, begun once for theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.faults.house import House, house, stores
from tests.faults.works import CATCH, Bench, ended, hasten, kill, one, registry, result, rows, until
from turnflow import Registry
from turnflow.core.ids import FlowName, RunId
from turnflow.engine import work_services
from turnflow.errors import UserCodeError
from turnflow.ports import ActionContext, ActionServices
from turnflow.stores import MemoryStore

STORES = pytest.mark.parametrize("name", ["memory", "sqlite"])


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch.setattr)


def services(context: ActionContext) -> ActionServices:
    assert context.services is not None
    return context.services


class Tree:
    """Actions that call one another: act -> (outer -> inner, inner), last; each notes that it ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.keys: list[str] = []
        self.gate = asyncio.Event()
        self.last = "last"

    def leaf(self, name: str) -> Callable[[bytes, ActionContext], bytes]:
        def run(argument: bytes, context: ActionContext) -> bytes:
            self.ran.append(name)
            self.keys.append(context.key)
            return msgspec.json.encode(f"{name} {msgspec.json.decode(argument)}")

        return run

    async def outer(self, argument: bytes, context: ActionContext) -> bytes:
        first = await services(context).call_action("inner", b'"a"')
        second = await services(context).call_action("inner", b'"b"')
        self.ran.append("outer")
        return msgspec.json.encode([msgspec.json.decode(first), msgspec.json.decode(second)])

    async def act(self, argument: bytes, context: ActionContext) -> bytes:
        both = await services(context).call_action("outer", b"1")
        await self.gate.wait()
        last = await services(context).call_action(self.last, b'"c"')
        return msgspec.json.encode([msgspec.json.decode(both), msgspec.json.decode(last)])


def trees(tree: Tree, settings: str = "", outputs: str = "[{to: done}]") -> Registry:
    return registry(
        one(settings, outputs=outputs), act=tree.act, outer=tree.outer, inner=tree.leaf("inner"), last=tree.leaf("last")
    )


@STORES
async def test_calls_of_actions_by_actions_are_made_once_although_the_process_is_killed_between_them(
    tmp_path: Path, name: str
) -> None:
    tree, store = Tree(), stores(tmp_path)[name]
    async with house(trees(tree), store) as home:
        run = await home.engine.start("one")
        await until(lambda: "outer" in tree.ran)
        await asyncio.sleep(0.05)  # the record follows
        await kill(home)
    tree.gate.set()
    async with house(trees(tree), store, clock=home.clock) as again:
        assert result(await ended(again, run)) == [["inner a", "inner b"], "last c"]
        assert tree.ran == ["inner", "inner", "outer", "last"], "what is on record is not done again"
        assert len(set(tree.keys)) == 3, "each place has a key of its own"
        await again.verify()


async def test_an_action_that_calls_another_one_where_one_is_on_record_is_told_so() -> None:
    tree, store = Tree(), MemoryStore()
    async with house(trees(tree, outputs=CATCH), store) as home:
        run = await home.engine.start("one")
        await until(lambda: "outer" in tree.ran)
        await asyncio.sleep(0.05)  # the record follows
        await kill(home)
    changed = registry(
        one(outputs=CATCH), act=lambda argument, context: services(context).call_action("other", b"1"),
        other=tree.leaf("other"),
    )  # fmt: skip
    async with house(changed, store, clock=home.clock) as again:
        assert result(await ended(again, run)) == "failed action_mismatch"
        assert "other" not in tree.ran
        (row,) = [row for row in await rows(again, run) if row.path == "step"]
        assert row.error is not None
        assert "depend on its input only" in row.error.message


async def test_a_further_attempt_gets_what_is_on_record_from_the_first() -> None:
    tree = Tree()
    tree.gate.set()
    tree.last = "nothing"
    flows = trees(tree, "retry: {count: 1, delay: 0}", CATCH)
    async with house(flows) as home:
        assert result(await ended(home, await home.engine.start("one"))) == "failed unknown_action"
        assert tree.ran == ["inner", "inner", "outer"]


async def test_calls_that_are_made_at_once_keep_their_places() -> None:
    tree = Tree()

    async def act(argument: bytes, context: ActionContext) -> bytes:
        calls = (services(context).call_action("last", f'"{number}"'.encode()) for number in range(20))
        found = await asyncio.gather(*calls)
        return msgspec.json.encode([msgspec.json.decode(one) for one in found])

    async with house(registry(one(), act=act, last=tree.leaf("last"))) as home:
        assert result(await ended(home, await home.engine.start("one"))) == [f"last {n}" for n in range(20)]
        assert len(set(tree.keys)) == 20
        await home.verify()


async def test_actions_that_call_themselves_without_end_are_ended() -> None:
    async def act(argument: bytes, context: ActionContext) -> bytes:
        return await services(context).call_action("act", argument)

    async with house(registry(one(outputs=CATCH), act=act)) as home:
        run = await home.engine.start("one")
        assert result(await ended(home, run)) == "failed nesting_too_deep"
        (row,) = [row for row in await rows(home, run) if row.path == "step"]
        assert row.error is not None
        assert str(work_services.DEPTH_LIMIT) in row.error.message


@pytest.mark.parametrize("returned", [b"no JSON", None, b'"' + b"x" * (1 << 20) + b'"'])
async def test_a_called_action_that_returns_what_cannot_be_kept_fails_and_leaves_no_record(returned: object) -> None:
    async def act(argument: bytes, context: ActionContext) -> bytes:
        return await services(context).call_action("bad", argument)

    flows = registry(one(outputs=CATCH), act=act, bad=lambda argument, context: returned)
    async with house(flows) as home:
        run = await home.engine.start("one")
        assert result(await ended(home, run)) == "failed invalid_result"
        assert not await home.store.results(run, "call/")
        await home.verify()


async def test_an_action_that_nobody_waits_for_any_more_can_call_nothing() -> None:
    bench, tree, told = Bench(), Tree(), list[str]()

    async def act(argument: bytes, context: ActionContext) -> bytes:
        await bench.deaf(argument, context)
        try:
            return await services(context).call_action("last", b"1")
        except UserCodeError as error:
            told.append(error.code)
            raise

    async with house(registry(one("timeout: 20ms", outputs=CATCH), act=act, last=tree.leaf("last"))) as home:
        assert result(await ended(home, await home.engine.start("one"))) == "failed timeout"
        bench.gate.set()
        await until(lambda: bool(told))
        assert told == ["abandoned"]
        assert not tree.ran


# --- runs below ---------------------------------------------------------------------------------------------------------

BELOW = one(name="below", action="leaf")


@STORES
async def test_an_action_that_runs_again_starts_the_same_runs_below(tmp_path: Path, name: str) -> None:
    tree, store, started = Tree(), stores(tmp_path)[name], list[list[RunId]]()

    async def act(argument: bytes, context: ActionContext) -> bytes:
        runs = [await services(context).start(FlowName("below"), {}, {}) for _ in range(2)]
        started.append(runs)
        await tree.gate.wait()
        return msgspec.json.encode(runs)

    flows = registry(one(), BELOW, act=act, leaf=tree.leaf("leaf"))
    async with house(flows, store) as home:
        run = await home.engine.start("one")
        await until(lambda: len(started) == 1 and len(tree.ran) == 2)
        await kill(home)
    tree.gate.set()
    async with house(flows, store, clock=home.clock) as again:
        assert result(await ended(again, run)) == started[0] == started[1]
        await again.rest()
        below = await again.runs("below")
        assert sorted(state.run for state in below) == sorted(started[0])
        assert {state.parent.run for state in below if state.parent is not None} == {run}
        assert {state.status for state in below} == {"completed"}
        await again.verify()


async def test_runs_that_actions_start_below_one_another_come_to_an_end() -> None:
    async def act(argument: bytes, context: ActionContext) -> bytes:
        return msgspec.json.encode(await services(context).start(FlowName("one"), {}, {}))

    async with house(registry(one(outputs=CATCH), act=act)) as home:
        await home.engine.start("one")
        await home.rest()
        states = await home.runs()
        assert len(states) == 17, "the root and sixteen below"
        assert sum(result(state) == "failed exception" for state in states) == 1
        await home.verify()


async def test_runs_below_are_cancelled_with_the_run_whose_action_started_them() -> None:
    bench = Bench()

    async def act(argument: bytes, context: ActionContext) -> bytes:
        await services(context).start(FlowName("below"), {}, {})
        return await bench.wait(argument, context)

    async with house(registry(one(), BELOW, act=act, leaf=bench.wait)) as home:
        run = await home.engine.start("one")
        await until(lambda: len(bench.calls) == 2)
        await home.engine.cancel(run)
        await home.rest()
        assert {state.status for state in await home.runs()} == {"cancelled"}
        assert bench.ended == ["cancelled", "cancelled"]
        await home.verify()


# --- actions that end the process ---------------------------------------------------------------------------------------


async def lives(home: House, flows: Registry, bench: Bench, count: int) -> None:
    """Live and be killed, so often, each time while the action is under way."""
    for _ in range(count):
        before = len(bench.calls)
        async with house(flows, home.store, clock=home.clock, hurry=True) as again:
            assert again.process.counts_attempts
            await until(lambda: len(bench.calls) > before)  # noqa: B023 - called before the next round
            await kill(again)


@STORES
async def test_an_action_that_ends_the_process_again_and_again_makes_its_run_stuck_and_no_other(
    tmp_path: Path, name: str
) -> None:
    bench, store = Bench(), stores(tmp_path)[name]
    flows = registry(one(), one(name="two", action="quick"), act=bench.wait, quick=lambda argument, context: argument)
    async with house(flows, store) as home:
        run = await home.engine.start("one")
        await until(lambda: bool(bench.calls))
        await kill(home)
    await lives(home, flows, bench, 4)
    async with house(flows, store, clock=home.clock) as last:
        await last.rest()
        state = await last.engine.inspect(run)
        assert state.status == "stuck"
        assert "ended the process 5 times" in state.reason
        assert len(bench.calls) == 5
        assert result(await ended(last, await last.engine.start("two"))) == "x"
        await last.verify()
    bench.gate.set()
    async with house(flows, store, clock=home.clock) as operated:
        await operated.engine.retry(run)
        assert result(await ended(operated, run)) == "x", "an operator may let it go on"
        await operated.verify()
