"""What actions come to: whatever they raise or return is a matter of their step, and it waits for a run that stands still."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.house import House, house, stores
from tests.faults.works import (
    CATCH,
    Bench,
    Does,
    ended,
    hasten,
    kill,
    no_cancellation_left,
    one,
    registry,
    result,
    rows,
    until,
)
from turnflow.core.ids import RunId
from turnflow.errors import UserCodeError
from turnflow.ports import ActionContext

STORES = pytest.mark.parametrize("name", ["memory", "sqlite"])


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch.setattr)


async def start(home: House, flow: str = "one", **data: object) -> RunId:
    return await home.engine.start(flow, data)


# --- what actions do ----------------------------------------------------------------------------------------------------


class Rude(Exception):
    """It has no words."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def raising(error: BaseException) -> Does:
    def act(argument: bytes, context: ActionContext) -> bytes:
        raise error

    return Does("act", act)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("no"), "exception"),
        (Rude(), "exception"),
        (SystemExit(3), "exception"),
        (asyncio.CancelledError(), "cancelled"),
        (TimeoutError(), "exception"),
        (StopIteration(), "exception"),
        (BaseExceptionGroup("two", [SystemExit(), ValueError()]), "exception"),
        (UserCodeError("declined", "no"), "declined"),
        (RecursionError(), "exception"),
        (ValueError("\ud800 half a character"), "exception"),
    ],
)
async def test_whatever_an_action_raises_is_a_failure_of_its_step_and_of_nothing_else(
    error: BaseException, code: str
) -> None:
    flows = registry(one(outputs=CATCH), act=raising(error))
    async with house(flows) as home:
        for _ in range(2):
            assert result(await ended(home, await start(home))) == f"failed {code}"
        assert len(home.process.works) == 0
        assert no_cancellation_left(home)
        await home.verify()


@pytest.mark.parametrize(
    ("returned", "code"),
    [
        (b"no JSON", "invalid_result"),
        (b"", "invalid_result"),
        (b'"\xff"', "invalid_result"),
        (b"NaN", "invalid_result"),
        (b"1 2", "invalid_result"),
        (b"[" * 100_000, "invalid_result"),
        (None, "invalid_result"),
        ({"a": 1}, "invalid_result"),
        (b'"' + b"x" * (1 << 20) + b'"', "output_too_large"),
    ],
)
async def test_what_cannot_be_kept_is_a_failure_that_no_attempt_repeats(returned: object, code: str) -> None:
    calls: list[int] = []

    def act(argument: bytes, context: ActionContext) -> object:
        calls.append(1)
        return returned

    async with house(registry(one("retry: {count: 3, delay: 0}", outputs=CATCH), act=Does("act", act))) as home:
        assert result(await ended(home, await start(home))) == f"failed {code}"
        assert len(calls) == 1
        await home.verify()


async def test_an_action_that_nobody_registered_is_a_failure_with_the_remedy() -> None:
    async with house(registry(one(outputs=CATCH))) as home:
        run = await start(home)
        assert result(await ended(home, run)) == "failed unknown_action"
        (row,) = [row for row in await rows(home, run) if row.path == "step"]
        assert row.error is not None
        assert "register_action" in row.error.message


async def test_an_input_that_cannot_be_evaluated_is_a_failure_before_anything_begins() -> None:
    bench = Bench()
    document = one(outputs=CATCH).replace("${'x'}", "${input.missing}")
    async with house(registry(document, act=bench.wait)) as home:
        assert result(await ended(home, await start(home))) == "failed expression"
        assert not bench.calls


# --- halts --------------------------------------------------------------------------------------------------------------


def two_steps() -> str:
    return one().replace(
        "outputs: [{to: done}]}",
        "outputs: [{to: next}]}\n  next: {action: act, input: \"${'y'}\", outputs: [{to: done}]}",
        1,
    )


@STORES
async def test_what_an_action_comes_to_while_its_run_is_paused_is_kept_and_nothing_begins(
    tmp_path: Path, name: str
) -> None:
    bench, store = Bench(), stores(tmp_path)[name]
    flows = registry(two_steps(), act=bench.wait)
    async with house(flows, store) as home:
        run = await start(home)
        await until(lambda: bool(bench.calls))
        await home.engine.tasks.pause(run, by="ann")
        bench.gate.set()
        await home.rest()
        assert (await home.engine.inspect(run)).status == "paused"
        assert len(bench.calls) == 1
    async with house(flows, store, clock=home.clock) as again:
        await again.wait(minutes=10)
        assert len(bench.calls) == 1
        await again.engine.tasks.resume(run, by="ann")
        assert result(await ended(again, run)) == "x"
        assert len(bench.calls) == 2, "the first step is not repeated"
        await again.verify()


@STORES
async def test_an_action_that_a_kill_ended_in_a_paused_run_begins_again_with_the_run(tmp_path: Path, name: str) -> None:
    bench, store = Bench(), stores(tmp_path)[name]
    flows = registry(one(), act=bench.wait)
    async with house(flows, store) as home:
        run = await start(home)
        await until(lambda: bool(bench.calls))
        await home.engine.tasks.pause(run, by="ann")
        await kill(home)
    bench.gate.set()
    async with house(flows, store, clock=home.clock) as again:
        await again.wait(minutes=1)
        assert len(bench.calls) == 1, "nothing begins for a paused run"
        await again.engine.tasks.resume(run, by="ann")
        assert result(await ended(again, run)) == "x"
        assert len(bench.calls) == 2
        await again.verify()


async def test_timers_of_a_paused_run_do_not_fire_and_have_their_time_left_afterwards() -> None:
    calls: list[int] = []

    def act(argument: bytes, context: ActionContext) -> bytes:
        calls.append(context.attempt)
        if context.attempt == 1:
            raise UserCodeError("busy", "")
        return argument

    async with house(registry(one("retry: {count: 1, delay: 10s, jitter: 0}"), act=act)) as home:
        run = await start(home)
        await home.rest()
        await home.wait(seconds=4)
        await home.engine.tasks.pause(run, by="ann")
        await home.rest()
        await home.wait(minutes=20)
        assert calls == [1]
        await home.engine.tasks.resume(run, by="ann")
        await home.rest()
        await home.wait(seconds=5)
        assert calls == [1]
        await home.wait(seconds=2)
        assert calls == [1, 2]
        assert result(await home.engine.inspect(run)) == "x"
        await home.verify()


@STORES
async def test_a_failed_run_goes_on_at_the_step_that_failed_in_a_child_too(tmp_path: Path, name: str) -> None:
    done: list[str] = []
    broken = [True]

    def act(argument: bytes, context: ActionContext) -> bytes:
        if context.step == "next" and broken[0]:
            raise UserCodeError("down", "")
        done.append(context.step)
        return argument

    parent = """
flow: parent
start: before
steps:
  before: {action: act, input: "${'b'}", outputs: [{to: child}]}
  child: {flow: one, outputs: [{to: done}]}
  done: {kind: end, output: "${steps.child.output}"}
"""
    store = stores(tmp_path)[name]
    flows = registry(parent, two_steps(), act=act)
    async with house(flows, store) as home:
        run = await start(home, "parent")
        assert result(await ended(home, run)) == "child_failed"
        await home.rest()
    broken[0] = False
    async with house(flows, store, clock=home.clock) as again:
        await again.engine.retry(run)
        await again.rest()
        assert result(await again.engine.inspect(run)) == "x"
        assert done == ["before", "step", "next"], "nothing that was done is done again"
        assert {state.status for state in await again.runs()} == {"completed"}
        await again.verify()
