"""Every transcript of every example ends the same whatever happens to the engine meanwhile, on every store."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from turnflow import Registry
from turnflow.engine import CRASH_POINTS
from turnflow.testing import Rehearsal, Strain, follow

EXAMPLES = Path(__file__).parents[2] / "examples"
TRANSCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.txt"))
AFTER_A_CRASH = {
    "accept.before": ("deliver.begin", "accept.before"),
    "accept.after": ("deliver.begin", "accept.after"),
    "recovery.begin": ("deliver.begin", "recovery.begin"),
    "recovery.before_resume": ("deliver.begin", "accept.after", "recovery.before_resume"),
    "recovery.end": ("deliver.begin", "recovery.end"),
}
"""Points that are reached only by an engine whose predecessor was killed."""
SELDOM = {
    "action.before": "checkout",
    "action.after": "checkout",
    "action.recorded": "checkout",
    "timer.before": "signup-timeout",
}
"""Points that are not reached on every journey, and one on which they are."""

pytestmark = pytest.mark.parametrize("name", TRANSCRIPTS)


def registry_of(name: str) -> Registry:
    registry = importlib.import_module(f"examples.{name.partition('-')[0]}").registry
    assert isinstance(registry, Registry)
    return registry


def text_of(name: str) -> str:
    return (EXAMPLES / f"{name}.txt").read_text(encoding="utf-8")


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/journey.db"


async def journey(name: str, store: str, strain: Strain) -> Rehearsal:
    """Play a transcript under strain; everything goes as it stands there, and every guarantee holds."""
    async with Rehearsal(registry_of(name), store=store) as play:
        report = await follow(play, text_of(name), strain)
        assert report.ok, f"{name}.txt under {strain}:\n{report}\n\nplayed:\n{report.played}"
        found = await play.check()
        found.demand(runs=1, inputs=3, replies=3)
        assert strain.crash or not found.copies
    return play


async def test_it_goes_as_written(name: str, store: str) -> None:
    await journey(name, store, Strain())


async def test_a_restart_after_every_line_changes_nothing(name: str, store: str) -> None:
    await journey(name, store, Strain(restart=True))


async def test_every_input_delivered_twice_counts_once(name: str, store: str) -> None:
    await journey(name, store, Strain(redeliver=True))


@pytest.mark.parametrize("point", [point for point in CRASH_POINTS if not point.startswith("work.")])  # of graphs
async def test_a_crash_on_every_line_changes_nothing(name: str, store: str, point: str) -> None:
    play = await journey(name, store, Strain(crash=AFTER_A_CRASH.get(point, (point,))))
    assert point in play.fuse.blown or SELDOM.get(point, name) != name


async def test_a_crash_with_restarts_and_repeats_changes_nothing(name: str, store: str) -> None:
    await journey(
        name, store, Strain(restart=True, redeliver=True, crash=("turn.after_commit", "recovery.end", "send.after"))
    )
