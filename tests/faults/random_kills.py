"""Random kills under a random load: many people talk at once, and the process is ended at any crash point, again and again.

    python -m tests.faults.random_kills --seed 7

Everything follows from the seed but the interleaving of what goes on at once, so a failure may take a few repetitions to return.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from tests.faults.driving import FLOWS, Place, settled
from tests.faults.ledger import FileChannel, Ledger, append, sent
from tests.faults.sweep import ROOM, forked
from turnflow import Button, Engine, Input, open_engine
from turnflow.core.ids import ConversationId, FlowName, InputId, UserId
from turnflow.core.inputs import typed
from turnflow.engine.slots import AT_ONCE
from turnflow.ports import Duplicate, Handled, Inbound, RunQuery, Unclaimed
from turnflow.stores import open_store
from turnflow.testing.clock import MORNING, FakeClock
from turnflow.testing.findings import Report, Witness
from turnflow.testing.invariants import check, definitions_of

CHATS: Final = 6
ROUNDS: Final = 14
LINES: Final = (
    "/signup", "/kyc", "/checkout", "/patience", "/help", "/diary", "/orders", "/slow", "/ship", "/cancel",
    "Ada", "36", "lots", "tea", "4711", "end", "yes", "hello", "more", "a@b.example",
)  # fmt: skip
PRESS: Final = "(press)"
GRAPHS: Final = "invoicing"
"""The flow whose runs go on in the background."""


class Note(Struct, frozen=True, omit_defaults=True):
    """One line of the senders' notebook."""

    id: str
    inbound: Inbound | None = None
    done: bool = False
    consumed: bool = False
    passed: float = 0.0
    """Minutes that went by."""


class Load(NamedTuple):
    """What everybody is going to do: per round and chat a few lines, then time goes by."""

    rounds: tuple[tuple[tuple[str, ...], ...], ...]
    minutes: tuple[float, ...]


def load_of(seed: int) -> Load:
    random = Random(seed)
    rounds = tuple(
        tuple(tuple(_line(random) for _ in range(random.randint(1, 5))) for _ in range(CHATS)) for _ in range(ROUNDS)
    )
    return Load(rounds, tuple(random.choice([0.0, 0.1, 5, 15, 120]) for _ in range(ROUNDS)))


def _line(random: Random) -> str:
    return PRESS if random.random() < 0.25 else random.choice(LINES)


class Reaper:
    """Ends the process at the n-th crash point it comes to."""

    def __init__(self, countdown: int) -> None:
        self.countdown = countdown

    def __call__(self, point: str) -> None:
        self.countdown -= 1
        if not self.countdown:
            os.kill(os.getpid(), signal.SIGKILL)


def notes(place: Place) -> dict[str, Note]:
    if not place.notebook.exists():
        return {}
    lines = [msgspec.json.decode(line, type=Note) for line in place.notebook.read_bytes().splitlines()]
    return {line.id: line for line in lines}


async def live(place: Place, seed: int, reaper: Reaper, graphs: int) -> None:
    """One life: everything that has not been acknowledged yet, many at once, beside graphs in the background."""
    load, known = load_of(seed), notes(place)
    clock = FakeClock(MORNING + round(sum(note.passed for note in known.values()) * 60_000))
    store = open_store(place.store, crash=reaper)
    opening = open_engine(FLOWS, store=store, resources=[Ledger(place.ledger)], clock=clock, crash=reaper)
    async with opening as engine:
        engine.connect(FileChannel(place.channel))
        await settled(engine)
        async with asyncio.TaskGroup() as hosts:
            for number in range(graphs):
                hosts.create_task(engine.start(GRAPHS, {"what": f"thing {number}"}, key=f"g{number}"))
        for number, chats in enumerate(load.rounds):
            async with asyncio.TaskGroup() as people:
                for chat, lines in enumerate(chats):
                    people.create_task(_talk(place, engine, known, f"{number}.{chat}", str(chat), lines, seed))
            await settled(engine)
            if f"time.{number}" not in known:
                append(
                    place.notebook, msgspec.json.encode(Note(f"time.{number}", passed=load.minutes[number], done=True))
                )
                clock.advance(minutes=load.minutes[number])
                for _ in range(10):
                    await asyncio.sleep(0)
                await settled(engine)
        if "time.end" not in known:
            append(place.notebook, msgspec.json.encode(Note("time.end", passed=10, done=True)))
            clock.advance(minutes=10)  # whatever began last comes to its end, too
            for _ in range(10):
                await asyncio.sleep(0)
        await settled(engine)


async def _talk(
    place: Place, engine: Engine, known: dict[str, Note], name: str, chat: str, lines: tuple[str, ...], seed: int
) -> None:
    """One person in one chat says lines one after the other, sending again what was not acknowledged."""
    random = Random(f"{seed}/{name}")
    for number, line in enumerate(lines):
        id = f"{name}.{number}"
        note = known.get(id)
        if note is not None and note.done:
            continue
        inbound = note.inbound if note is not None else await _inbound(engine, id, chat, line, random)
        if note is None:
            append(place.notebook, msgspec.json.encode(Note(id, inbound)))
        consumed = inbound is not None and await _send(engine, inbound)
        append(place.notebook, msgspec.json.encode(Note(id, inbound, done=True, consumed=consumed)))


async def _inbound(engine: Engine, id: str, chat: str, line: str, random: Random) -> Inbound | None:
    conversation, person = ConversationId(f"t:{chat}"), f"p{int(chat) % 4}"
    if line != PRESS:
        return Inbound(conversation, typed(line, id=id, sender=person, at=0))
    found = [
        button.ref
        for said in await engine.history(conversation, limit=-30)
        for row in (said.message.buttons if said.message is not None else ())
        for button in row
        if isinstance(button, Button)
    ]
    if not found:
        return None
    return Inbound(conversation, Input(InputId(id), "press", UserId(person), ref=random.choice(found[-6:])))


async def _send(engine: Engine, inbound: Inbound) -> bool:
    answer = await engine.deliver(inbound)
    assert isinstance(answer, Handled | Duplicate | Unclaimed), answer
    return isinstance(answer, Handled) and bool(answer.runs) and not answer.refused and inbound.input.kind != "command"


async def judged(place: Place, graphs: int, kills: int) -> Report:
    known = [note for note in notes(place).values() if note.done and note.consumed and note.inbound is not None]
    ids = [note.inbound.input.id for note in known if note.inbound is not None]
    store = open_store(place.store)
    await store.open()
    try:
        conversations = [f"t:{chat}" for chat in range(CHATS)]
        witness = Witness(sent=sent(place.channel), acknowledged=ids, consumed=ids, conversations=conversations)
        report = await check(store, definitions_of(FLOWS), witness)
        runs = await store.find(RunQuery(flow=FlowName(GRAPHS), limit=10_000))
        how = Counter(run.status for run in runs if run.parent is None)
        assert how["completed"] + how["stuck"] == graphs, how
        assert how["stuck"] * 3 <= kills, (
            f"only what was tried alone three times may be suspected: {how}, {kills} kills"
        )
        return report
    finally:
        await store.close()


def trial(seed: int, graphs: int) -> tuple[int, Report]:
    """Live through the load of a seed, killed at random; return how often, and what the checker counted."""
    folder = Path(tempfile.mkdtemp(prefix=f"turnflow-seed-{seed}-", dir=ROOM))
    place, random, kills = Place(folder), Random(-seed - 1), 0
    while True:
        reaper = Reaper(int(random.paretovariate(1.1) * (30 + graphs // 4)))
        ended_by = forked(lambda: asyncio.run(live(place, seed, reaper, graphs)), folder / "trouble")  # noqa: B023 - called before the next round
        if not ended_by:
            break
        assert ended_by == signal.SIGKILL
        kills += 1
    report = asyncio.run(judged(place, graphs, kills))
    done = [deed.key for deed in Ledger(place.ledger).deeds()]
    assert len(done) - len(set(done)) <= (2 * CHATS + AT_ONCE) * kills, (
        "actions were repeated more often than there were kills"
    )
    shutil.rmtree(folder)
    return kills, report


def main() -> int:
    """Try some seeds and say how to repeat what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many to try")
    parser.add_argument("--graphs", type=int, default=20, help="graphs that run in the background, all at once")
    chosen = parser.parse_args()
    logging.disable()
    failed = kills = turns = steps = 0
    for seed in range(chosen.seed, chosen.seed + chosen.seeds):
        try:
            killed, report = trial(seed, chosen.graphs)
        except Exception:
            failed += 1
            again = f"python -m tests.faults.random_kills --seed {seed} --graphs {chosen.graphs}"
            print(f"{traceback.format_exc()}\nrepeat with: {again}\n")
        else:
            kills += killed
            turns += report.commits
            steps += report.steps
    print(f"seeds: {chosen.seeds}, kills: {kills}, commits: {turns}, steps: {steps}, failed: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
