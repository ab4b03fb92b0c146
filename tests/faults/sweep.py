"""The crash sweep: ends real processes with SIGKILL at every named point, at every hit, and again while they recover.

    python -m tests.faults.sweep            # everything
    python -m tests.faults.sweep --only "checkout pays once" --kill store.commit.before_durable:4 --then recovery.end:1

Everything is imported once; each process that is to die is a fork of this one. A case is: play until the kill; start again and be
killed at some point of the recovery, and then at its end; play to the end, sending again what was not acknowledged; check.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import msgspec

from tests.faults.driving import FLOWS, Killer, Place, play
from tests.faults.ledger import Ledger, sent
from tests.faults.scenarios import SCENARIOS
from turnflow.core.frames import StepResult
from turnflow.engine import CRASH_POINTS as ENGINE_POINTS
from turnflow.engine.outcomes import PREFIX
from turnflow.engine.payloads import decode_reply
from turnflow.engine.tries import TRIED
from turnflow.ports import ResultRecord, RunQuery
from turnflow.stores import open_store
from turnflow.stores.sqlite import CRASH_POINTS as STORE_POINTS
from turnflow.testing.evidence import Remembered, gather
from turnflow.testing.invariants import Witness, check, definitions_of

POINTS: Final = frozenset(ENGINE_POINTS) | frozenset(STORE_POINTS)
DEFINITIONS: Final = definitions_of(FLOWS)
Hit: TypeAlias = tuple[str, int]
MEMORY: Final = Path("/dev/shm")
"""Files in memory outlive a kill as well as files on a disk do, and their fsync costs nothing."""
ROOM: Final = MEMORY if os.access(MEMORY, os.W_OK) else None
AT_ONCE: Final = ("errands in the background", "slow handlers", "a graph in a conversation", "graphs in the background")
"""Scenarios in which several things go on at once, in whatever order."""
DEEDS: Final = frozenset({"pack", "again", "sealed", "weigh", "stamp", "write"})
"""Steps of graphs whose action notes what it did."""
TRANSCRIPTS: Final[dict[str, dict[str, list[str]]]] = {}
"""What is said when nobody disturbs, by scenario."""


class Case(NamedTuple):
    """Where processes are killed: while they play, one after the other, and then while their successors recover."""

    scenario: str
    plays: tuple[Hit, ...]
    restarts: tuple[Hit, ...]

    def command(self) -> str:
        plays = " ".join(f"--kill {point}:{hit}" for point, hit in self.plays)
        restarts = " ".join(f"--then {point}:{hit}" for point, hit in self.restarts)
        return f'python -m tests.faults.sweep --only "{self.scenario}" {plays} {restarts}'


class Outcome(NamedTuple):
    """What became of a case."""

    kills: tuple[Hit, ...] = ()
    trouble: str = ""
    command: str = ""


# --- processes ------------------------------------------------------------------------------------------------------


def forked(work: Callable[[], None], trouble: Path) -> int:
    """Run `work` in a fork of this process; return the signal that ended it, 0 if none did. Raises if it failed by itself."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            trouble.write_text(traceback.format_exc())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    if os.WEXITSTATUS(status):
        raise AssertionError(f"a process failed by itself:\n{trouble.read_text()}")
    return 0


def run(folder: Path, scenario: str, kill: Hit = ("", 0), *, only_restart: bool = False) -> bool:
    """Play in a process of its own; tell whether it was killed. A restart ends with a kill in any case."""

    def work() -> None:
        asyncio.run(_restart(folder, scenario, kill) if only_restart else play(Place(folder), scenario, Killer(*kill)))

    ended_by = forked(work, folder / "trouble")
    if ended_by not in (0, signal.SIGKILL):
        raise AssertionError(f"a process ended by signal {ended_by}")
    return ended_by == signal.SIGKILL


async def _restart(folder: Path, scenario: str, kill: Hit) -> None:
    killer = Killer(*kill)
    await play(Place(folder), scenario, killer, taken_up=lambda: _note(folder, killer))


def _note(folder: Path, killer: Killer) -> None:
    """Write down which points a recovery reached, and end it as if the power went."""
    (folder / "hits").write_bytes(msgspec.json.encode(killer.order))
    os.kill(os.getpid(), signal.SIGKILL)


def hits(scenario: str) -> list[Hit]:
    """Return every point that a scenario reaches, at every hit, in order."""
    with tempfile.TemporaryDirectory(dir=ROOM) as name:
        folder = Path(name)

        def work() -> None:
            killer = Killer()
            asyncio.run(play(Place(folder), scenario, killer))
            (folder / "hits").write_bytes(msgspec.json.encode(killer.order))

        forked(work, folder / "trouble")
        TRANSCRIPTS[scenario] = asyncio.run(transcript(Place(folder)))
        return msgspec.json.decode((folder / "hits").read_bytes(), type=list[Hit])


def recovery_hits(scenario: str, plays: tuple[Hit, ...]) -> list[Hit]:
    """Return every point that a recovery reaches after processes were killed in that order."""
    with tempfile.TemporaryDirectory(dir=ROOM) as name:
        folder = Path(name)
        for kill in plays:
            run(folder, scenario, kill)
        run(folder, scenario, only_restart=True)
        return msgspec.json.decode((folder / "hits").read_bytes(), type=list[Hit])


# --- cases ----------------------------------------------------------------------------------------------------------


def cases(scenarios: list[str]) -> Iterator[Case]:
    """Yield every hit of every scenario, and every hit of a recovery that has much to do.

    Of the former, the recoveries take turns in where they are killed.
    """
    turns = count()
    for scenario in scenarios:
        found = hits(scenario)
        for place in found:
            yield Case(scenario, (place,), (RECOVERY[next(turns) % len(RECOVERY)],))
        middle = [place for place in found if place[0] in ("turn.after_handler", "turn.before_commit")]
        plays = (middle[len(middle) // 2], ("accept.after", 1))
        for place in recovery_hits(scenario, plays):
            yield Case(scenario, plays, (place,))


RECOVERY: Final[tuple[Hit, ...]] = (
    ("store.acquire.begin", 1),
    ("store.acquire.after_durable", 1),
    ("recovery.begin", 1),
    ("store.commit.begin", 2),
    ("recovery.end", 1),
    ("store.commit.after_durable", 2),
    ("send.before", 1),
    ("turn.begin", 1),
    ("send.after", 1),
    ("store.commit.before_durable", 3),
    ("turn.before_commit", 1),
    ("store.retake.before_durable", 1),
    ("turn.after_commit", 1),
    ("store.commit.after_durable", 3),
    ("recovery.before_resume", 1),
    ("store.accept.after_durable", 1),
    ("turn.before_handler", 1),
)
"""Where recoveries are killed, in turn; one that does not get there is killed at its end."""


def try_case(case: Case) -> Outcome:
    """Play one case to its end and check what is left."""
    folder = Path(tempfile.mkdtemp(prefix="turnflow-sweep-", dir=ROOM))
    kills: list[Hit] = []
    before: Remembered | None = None
    try:
        for kill in case.plays:
            if run(folder, case.scenario, kill):
                kills.append(kill)
            elif case.scenario not in AT_ONCE:  # there results may be applied together, in fewer turns
                raise AssertionError(f"{kill} was not reached: plays of this scenario are not alike")
        for kill in case.restarts:
            run(folder, case.scenario, kill, only_restart=True)
            kills.append(kill)
            before = asyncio.run(judge(folder, before, at_rest=False))
        if run(folder, case.scenario):
            raise AssertionError("the last process was killed by nobody")
        asyncio.run(judge(folder, before, at_rest=True))
        _deeds(folder, case.scenario, kills)
        _said(folder, case.scenario)
    except Exception:
        return Outcome(tuple(kills), f"{traceback.format_exc()}\nleft in {folder}", case.command())
    shutil.rmtree(folder)
    return Outcome(tuple(kills))


async def judge(folder: Path, before: Remembered | None, *, at_rest: bool) -> Remembered:
    """Check all invariants of a store and its surroundings; return what must never change from now on."""
    place = Place(folder)
    done = [line for line in place.lines() if line.done and line.inbound is not None]
    consumed = [line.inbound.input.id for line in done if line.consumed and line.inbound is not None]
    seen = Witness(sent=sent(place.channel), acknowledged=consumed, consumed=consumed, before=before, at_rest=at_rest)
    store = open_store(place.store)
    await store.open()
    try:
        await check(store, DEFINITIONS, seen)
        return (await gather(store)).remembered()
    finally:
        await store.close()


def _deeds(folder: Path, scenario: str, kills: list[Hit]) -> None:
    """Every recorded action was done; more than once only if a kill came between the deed and its record."""
    place = Place(folder)
    done = [deed.key for deed in Ledger(place.ledger).deeds()]
    recorded = asyncio.run(_results(place))
    assert recorded <= set(done), f"recorded without having been done: {sorted(recorded - set(done))}"
    between = sum(point == "action.after" or point.startswith(("store.commit", "store.accept")) for point, _ in kills)
    if scenario in AT_ONCE:
        between = 4 * len(kills)  # so many actions may be under way at once
    copies = len(done) - len(set(done))
    assert copies <= between, f"{copies} actions were repeated, but only {between} kills came before a record: {done}"


def _said(folder: Path, scenario: str) -> None:
    """The rows of each conversation are those of a play that nobody disturbs."""
    if scenario not in AT_ONCE:
        now = asyncio.run(transcript(Place(folder)))
        assert now == TRANSCRIPTS[scenario], f"another conversation came of it: {now}"


async def transcript(place: Place) -> dict[str, list[str]]:
    """Return what was said in each conversation."""
    store = open_store(place.store)
    await store.open()
    try:
        said: dict[str, list[str]] = {}
        for conversation, line in (await gather(store)).replies:
            text = decode_reply(line.payload).message.text
            said.setdefault(conversation, []).append(text if conversation[:2] == "t:" else "")
        return said
    finally:
        await store.close()


async def _results(place: Place) -> set[str]:
    store = open_store(place.store)
    await store.open()
    try:
        runs = await store.find(RunQuery(limit=1000))
        found = [(run.run, result) for run in runs for result in await store.results(run.run, "")]
        return {_deed_key(run, result) for run, result in found} - {""}
    finally:
        await store.close()


def _deed_key(run: str, row: ResultRecord) -> str:
    """Return the key that the action had whose result a row keeps; "" of a step that is no deed."""
    if row.key.startswith(TRIED):
        return ""
    if not row.key.startswith(PREFIX):
        return f"{run}/{row.key}"
    result = msgspec.json.decode(row.value, type=StepResult)
    step = result.path.rsplit("/", 1)[-1]
    return f"{run}/{step}/{result.visit}" if step in DEEDS else ""


# --- the whole --------------------------------------------------------------------------------------------------------


def worker(work: list[Case], report: Path) -> None:
    """Try cases and write their outcomes down."""
    with report.open("wb") as file:
        for case in work:
            file.write(msgspec.json.encode(try_case(case)) + b"\n")
            file.flush()


def sweep(work: list[Case], workers: int) -> list[Outcome]:
    """Try cases in several processes; return what became of all of them."""
    gc.freeze()
    with tempfile.TemporaryDirectory() as name:
        children = []
        for number in range(workers):
            child = os.fork()
            if child == 0:
                worker(work[number::workers], Path(name) / str(number))
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
        lines = [line for path in sorted(Path(name).iterdir()) for line in path.read_bytes().splitlines()]
    return [msgspec.json.decode(line, type=Outcome) for line in lines]


def _places(given: list[str]) -> tuple[Hit, ...]:
    return tuple((point, int(hit)) for point, _, hit in (text.partition(":") for text in given))


def main() -> int:
    """Sweep, print what was done, and how to repeat what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(SCENARIOS), help="play only this scenario")
    parser.add_argument("--kill", action="append", default=[], help="where processes that play are killed: point:hit")
    parser.add_argument(
        "--then", action="append", default=[], help="where processes that recover are killed: point:hit"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    logging.disable()
    work = list(cases(chosen.only or list(SCENARIOS)))
    if chosen.kill:
        work = [Case(work[0].scenario, _places(chosen.kill), _places(chosen.then))]
    outcomes = sweep(work, chosen.workers)
    failed = [outcome for outcome in outcomes if outcome.trouble]
    for outcome in failed[:10]:
        print(f"{outcome.trouble}\nrepeat with: {outcome.command}\n")
    reached = {point for outcome in outcomes for point, _ in outcome.kills}
    kills = sum(len(outcome.kills) for outcome in outcomes)
    print(
        f"kills: {kills}, points: {len(reached)}, scenarios: {len({case.scenario for case in work})}, failed: {len(failed)}"
    )
    missed = sorted(POINTS - reached)
    if missed and not chosen.only:
        print(f"points never reached: {', '.join(missed)}")
        return 1
    return 1 if failed or len(outcomes) != len(work) else 0


if __name__ == "__main__":
    sys.exit(main())
