"""Rows of steps: the checker finds every way in which they can betray a journal, and no secret stands in any of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from tests.faults.house import house, stores
from tests.faults.works import ended, one, registry, result
from turnflow import action
from turnflow.actions import resolve_secrets
from turnflow.core.frames import StepResult
from turnflow.core.ids import Json, RunId
from turnflow.engine.outcomes import row
from turnflow.errors import UserCodeError
from turnflow.ports import ActionContext
from turnflow.stores import MemoryStore
from turnflow.testing.findings import InvariantsBroken

Harm: TypeAlias = Callable[[MemoryStore, RunId, str, StepResult], None]


def lose(store: MemoryStore, run: RunId, key: str, found: StepResult) -> None:
    del store._results[run][key]


def change(store: MemoryStore, run: RunId, key: str, found: StepResult) -> None:
    store._results[run][key] = row(run, replace(found, output=Raw(b'"other"')))


def invent(store: MemoryStore, run: RunId, key: str, found: StepResult) -> None:
    made = row(run, replace(found, visit=99))
    store._results[run][made.key] = made


@pytest.mark.parametrize(
    ("harm", "complaint"), [(lose, "has no row"), (change, "has another row"), (invent, "nothing in the journal asks")]
)
async def test_a_row_of_a_step_that_is_not_what_the_journal_asked_for_is_found(harm: Harm, complaint: str) -> None:
    store = MemoryStore()
    async with house(registry(one(), act=lambda argument, context: argument), store) as home:
        run = await home.engine.start("one")
        assert result(await ended(home, run)) == "x"
        await home.rest()
        (await home.verify()).demand(steps=1)
        for record in await store.results(run, "step/step"):
            harm(store, run, record.key, msgspec.json.decode(record.value, type=StepResult))
        with pytest.raises(InvariantsBroken, match=complaint):
            await home.verify()


async def test_a_row_that_came_late_needs_no_reason() -> None:
    store = MemoryStore()
    async with house(registry(one(), act=lambda argument, context: argument), store) as home:
        run = await home.engine.start("one")
        await ended(home, run)
        await home.rest()
        late = row(run, StepResult("step", 1, "completed", Raw(b'"late"'), late=True))
        store._results[run][late.key] = late
        await home.verify()


SECRET = "s3cr3t-that-was-planted"


async def test_a_secret_that_an_action_uses_stands_in_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", SECRET)
    used: list[Json] = []

    @action(name="act")
    async def act(argument: dict[str, Json], context: ActionContext) -> str:
        value, _ = resolve_secrets(argument, None)
        used.append(value)
        if context.attempt == 1:
            raise UserCodeError("busy", "not now")
        return "done"

    document = one("retry: {count: 1, delay: 0}").replace("\"${'x'}\"", '{token: {$secret: "env:PLANTED"}, n: "${1}"}')
    async with house(registry(document, act=act), stores(tmp_path)["sqlite"]) as home:
        assert result(await ended(home, await home.engine.start("one"))) == "done"
        await home.verify()
    assert used == [{"token": SECRET, "n": 1}] * 2
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"env:PLANTED" in path.read_bytes() for path in files), "the reference is what is stored"
    assert not any(SECRET.encode() in path.read_bytes() for path in files)
