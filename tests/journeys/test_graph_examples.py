"""Every document among the examples loads, comes to what is written beside it, and goes on where it was after a kill."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from examples.actions import actions
from turnflow import Registry, Texts, open_engine
from turnflow.core.ids import Json
from turnflow.declarative import GraphFlow, load_flow
from turnflow.engine import Process, SystemClock
from turnflow.testing import Rehearsal
from turnflow.testing.people import Person
from turnflow.testing.stage import Stage

GRAPHS: Final = Path(__file__).parents[2] / "examples"
DOCUMENTS: Final = sorted(path.stem for path in GRAPHS.glob("*.yaml"))
INPUTS: Final = sorted(path.name.removesuffix(".input.json") for path in GRAPHS.glob("*.input.json"))
PATIENT: Final = {"approval-large"}
"""Those that wait for people, or for days."""
LINES: Final = 80


def graph(name: str) -> GraphFlow:
    return load_flow((GRAPHS / f"{name}.yaml").read_text(encoding="utf-8"), name=f"{name}.yaml")


def registry() -> Registry:
    known = Registry()
    for name in DOCUMENTS:
        known.register_callable(graph(name))
    for one in actions:
        known.register_action(one)
    return known


def flow_of(input: str) -> str:
    return graph(input.partition("-")[0]).flow.name


def read(name: str) -> Json:
    found: Json = json.loads((GRAPHS / name).read_text(encoding="utf-8"))
    return found


def ledger() -> list[str]:
    """What the actions wrote, in the order in which they were run."""
    path = Path("ledger.txt")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else "sqlite:///journey.db"


@asynccontextmanager
async def stage(store: str) -> AsyncIterator[Stage]:
    """An engine in real time that a fuse can kill."""
    process = partial(
        Process, registry(), clock=SystemClock(), roles={}, resources={}, texts=Texts(), cancel_command="cancel",
        hot_limit=10_000,
    )  # fmt: skip
    async with Stage(store, lambda store, crash: process(store, crash=crash), opened=lambda life: None) as found:
        yield found


async def killed(store: str, name: str, point: str, hit: int) -> Stage:
    """Run an example, kill the engine at a point, and see that it comes to what it should."""
    async with stage(store) as play:
        play.fuse.arm(point, hit)
        run = await play.through(lambda life: life.engine.start(flow_of(name), read(f"{name}.input.json"), key=name))
        ending = await play.through(lambda life: life.engine.finished(run))
        assert ending.outcome == "completed", ending
        assert json.loads(bytes(ending.result or b"")) == read(f"{name}.output.json")
        assert play.fuse.blown == [point]
    return play


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_loads_without_problems_and_fits_on_a_page(name: str) -> None:
    assert graph(name).flow.steps or graph(name).flow.nodes
    assert len((GRAPHS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()) <= LINES


@pytest.mark.parametrize("name", [name for name in INPUTS if name not in PATIENT])
async def test_it_comes_to_what_is_written_beside_it(name: str, store: str) -> None:
    async with open_engine(registry(), store=store) as engine:
        assert await engine.call(flow_of(name), read(f"{name}.input.json")) == read(f"{name}.output.json")


@pytest.mark.parametrize("name", ["approval", "enrichment", "nested", "order"])
def test_it_runs_as_it_says_itself(name: str) -> None:
    text = (GRAPHS / f"{name}.yaml").read_text(encoding="utf-8")
    [words] = re.findall(r"^# Run it: turnflow (run .*)$", text, re.MULTILINE)
    told = words.replace("examples/", f"{GRAPHS}/").split()
    command = [sys.executable, "-m", "turnflow.cli", *told, "--no-watch", "--store", "memory://"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == read(f"{name}.output.json")


async def test_each_action_of_an_order_that_goes_well_is_run_once(store: str) -> None:
    async with open_engine(registry(), store=store) as engine:
        await engine.call("order", read("order.input.json"))
    assert sorted(ledger()) == [
        "authorise 1450, attempt 2",
        "price, attempt 1",
        "reserve cake, attempt 1",
        "reserve tea, attempt 1",
        "ship A-17 with A-17-A, attempt 1",
    ]


async def test_an_article_that_is_not_there_undoes_the_order_too(store: str) -> None:
    order = {"order": "A-19", "card": "4711", "items": [{"sku": "unicorn", "quantity": 1, "cents": 1}]}
    async with open_engine(registry(), store=store) as engine:
        assert await engine.call("order", order) == {
            "accepted": False,
            "why": "stock.none",
            "undone": ["release 1 articles of A-19", "void A-19"],
        }


# --- the engine is killed in the middle ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "last", "line"), [("order", 6, "ship A-17 with A-17-A"), ("nested", 6, "bind Small things")]
)
async def test_what_was_completed_before_a_kill_is_not_run_again(store: str, name: str, last: int, line: str) -> None:
    await killed(store, name, "work.before", last)
    assert set(Counter(ledger()).values()) == {1}
    assert ledger()[-1] == f"{line}, attempt 1"


@pytest.mark.parametrize(
    ("name", "last", "line"), [("order", 5, "ship A-17 with A-17-A"), ("nested", 6, "bind Small things")]
)
async def test_what_had_run_and_was_not_on_record_is_run_again_and_nothing_else(
    store: str, name: str, last: int, line: str
) -> None:
    await killed(store, name, "work.after", last)
    assert [line for line, times in Counter(ledger()).items() if times > 1] == [f"{line}, attempt 1"]


@pytest.mark.parametrize(
    ("point", "hit"),
    [
        *((point, hit) for point in ("work.before", "work.after", "work.returned") for hit in (1, 2, 3, 4)),
        *((point, hit) for point in ("turn.before_commit", "turn.after_commit") for hit in (1, 2)),
    ],
)
@pytest.mark.parametrize("name", ["order", "order-refused", "nested"])
async def test_a_kill_anywhere_changes_no_outcome(name: str, point: str, hit: int) -> None:
    await killed("sqlite:///journey.db", name, point, hit)


async def test_a_loop_over_a_thousand_items_goes_on_in_the_middle(store: str) -> None:
    play = await killed(store, "enrichment", "work.before", 1000)
    calls = play.fuse.reached.count("work.before")
    assert 2000 <= calls <= 2000 + 20, "besides what was under way, nothing was looked up a second time"


# --- people ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def room(store: str) -> AsyncIterator[Rehearsal]:
    """A chat of two managers and a director in which an approval was started that nobody has decided."""
    async with Rehearsal(registry(), store=store, roles={"manager": ["bob"], "director": ["cleo"]}) as play:
        people(play)
        asked = read("approval-large.input.json")
        await play.engine.start("approval", asked, conversation=play.person.conversation, user="approvals")
        await play.settle()
        yield play
        await play.check()


def people(play: Rehearsal) -> tuple[Person, Person]:
    return play.as_("bob", chat=play.person.name), play.as_("cleo", chat=play.person.name)


async def result(play: Rehearsal) -> Json:
    (ending,) = await play.endings()
    found: Json = json.loads(bytes(ending.result or b"null"))
    return found


async def test_only_a_manager_s_answer_counts(store: str) -> None:
    async with room(store) as play:
        bob, cleo = people(play)
        await play.press("grant")
        await cleo.press("grant")
        assert not await play.endings()
        await bob.press("grant")
        assert await result(play) == {"granted": True, "euros": 300}


@pytest.mark.parametrize("point", ["turn.before_commit", "turn.after_commit", "send.after"])
async def test_a_decision_that_was_passed_on_survives_a_kill(store: str, point: str) -> None:
    async with room(store) as play:
        bob, cleo = people(play)
        play.crash(point)
        await bob.press("ask the director")
        assert play.fuse.blown == [point]
        await cleo.press("Yes")
        assert await result(play) == {"granted": True, "euros": 300}


async def test_nobody_decides_and_time_runs_out_on_every_step_of_the_way_up(store: str) -> None:
    async with room(store) as play:
        assert await play.clock(hours=4) == ["Managers, this still waits for you."]
        assert await play.clock(hours=20) == [
            "This goes to the director: 300 euros for Ada.",
            "Director, grant it? [Yes] [No]",
        ]
        await play.restart()
        assert await play.clock(hours=48) == ["Not this time, Ada."]
        assert await result(play) == read("approval-large.output.json")
