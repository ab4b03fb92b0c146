"""Plays a scenario against an engine in a process that may be killed at any moment, and goes on where it was.

What is about to be done is written down before, what was acknowledged after: a process that takes over sends again, under
the same id, exactly what was not acknowledged, as a real sender does.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import assert_never

import msgspec
from msgspec import Struct

from tests.faults import flows
from tests.faults.ledger import FileChannel, Ledger, append
from tests.faults.scenarios import SCENARIOS, Asks, Passes, Presses, Says, Starts, Step
from turnflow import Button, Engine, Input, open_engine
from turnflow.core.ids import ConversationId, InputId, UserId
from turnflow.core.inputs import typed
from turnflow.engine import Process, executions, process
from turnflow.ports import Duplicate, Handled, Inbound, RunQuery, Unclaimed
from turnflow.stores import open_store
from turnflow.testing.clock import MORNING, FakeClock

FLOWS = flows.registry()


class Line(Struct, frozen=True, omit_defaults=True):
    """One line of the sender's notebook: a step was begun, or acknowledged."""

    step: int
    inbound: Inbound | None = None
    done: bool = False
    consumed: bool = False
    """The engine said that a run got it."""


class Place:
    """The files of one play."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = f"sqlite:///{folder}/turns.db"
        self.notebook = folder / "notebook"
        self.channel = folder / "sent"
        self.ledger = folder / "deeds"

    def lines(self) -> list[Line]:
        if not self.notebook.exists():
            return []
        return [msgspec.json.decode(line, type=Line) for line in self.notebook.read_bytes().splitlines()]


class Killer:
    """Counts how often each crash point is reached, and ends the process there if it is told to."""

    def __init__(self, point: str = "", hit: int = 0) -> None:
        self.target = (point, hit)
        self.hits: Counter[str] = Counter()
        self.order: list[tuple[str, int]] = []

    def __call__(self, point: str) -> None:
        self.hits[point] += 1
        here = (point, self.hits[point])
        self.order.append(here)
        if here == self.target:
            os.kill(os.getpid(), signal.SIGKILL)


async def play(
    place: Place,
    scenario: str,
    killer: Callable[[str], None],
    *,
    taken_up: Callable[[], None] | None = None,
) -> None:
    """Play a scenario to its end from wherever it is. `taken_up` is called once everything found has been taken up."""
    slow = scenario == "slow handlers"
    setattr(executions, "DETACH_AFTER", 0.02 if slow else 60.0)  # noqa: B010 - Final in the product; here time is short
    setattr(process, "LOOK_ROUND", 0.005)  # noqa: B010 - likewise
    steps = SCENARIOS[scenario]
    lines = place.lines()
    begun = {line.step: line for line in lines if not line.done}
    finished = {line.step for line in lines if line.done}
    clock = FakeClock(MORNING + _passed(steps, begun))
    store = open_store(place.store, crash=killer)
    opening = open_engine(FLOWS, store=store, resources=[Ledger(place.ledger)], clock=clock, crash=killer)
    async with opening as engine:
        engine.connect(FileChannel(place.channel))
        await settled(engine)
        if taken_up is not None:
            taken_up()
        for number, step in enumerate(steps):
            if number not in finished:
                await _do(place, engine, clock, number, step, begun.get(number))
                await settled(engine, hurry=isinstance(step, Says) and step.hurry)


async def settled(engine: Engine, *, hurry: bool = False) -> None:
    """Wait until nothing is going on; slow handlers count unless there is a hurry."""
    inside: Process = engine._process
    quiet = 0
    while quiet < 3:
        inside.committer.flush()
        at_work = len(inside.executions) + len(inside.works) > 0 and not hurry
        await asyncio.sleep(0.005 if at_work else 0)
        quiet = quiet + 1 if inside.is_idle and not at_work else 0


def _passed(steps: Sequence[Step], begun: dict[int, Line]) -> int:
    """Return how many milliseconds had passed when the last process was killed: a clock does not go back."""
    return sum(
        round(step.minutes * 60_000)
        for number, step in enumerate(steps)
        if isinstance(step, Passes) and number in begun
    )


async def _do(place: Place, engine: Engine, clock: FakeClock, number: int, step: Step, begun: Line | None) -> None:
    consumed = False
    inbound = begun.inbound if begun is not None else await _inbound(engine, number, step)
    if begun is None:
        append(place.notebook, msgspec.json.encode(Line(number, inbound)))
    match step:
        case Says() | Presses():
            assert inbound is not None
            consumed = await _send(engine, step, inbound)
        case Passes(minutes):
            if begun is None:
                clock.advance(minutes=minutes)
                for _ in range(10):  # whoever slept wakes up, one after the other
                    await asyncio.sleep(0)
        case Asks(text, ends):
            await _ask(engine, text, ends)
        case Starts(flow, key, what):
            await engine.start(flow, {"what": what}, key=key)
        case _:
            assert_never(step)
    append(place.notebook, msgspec.json.encode(Line(number, inbound, done=True, consumed=consumed)))


async def _send(engine: Engine, step: Says | Presses, inbound: Inbound) -> bool:
    door = engine.accept if isinstance(step, Says) and step.door == "accept" else engine.deliver
    delivery = await door(inbound)
    match delivery:
        case Handled(runs, refused):
            return bool(runs) and not refused and inbound.input.kind != "command"
        case Duplicate() | Unclaimed():
            return False
        case _:
            raise AssertionError(f"{step} was answered with {delivery}")


async def _inbound(engine: Engine, number: int, step: Step) -> Inbound | None:
    match step:
        case Says(text, by, chat):
            return Inbound(ConversationId(f"t:{chat}"), typed(text, id=f"i{number}", sender=by, at=0))
        case Presses(label, nth, by, chat):
            place = ConversationId(f"t:{chat}")
            ref = await _ref(engine, place, label, nth)
            return Inbound(place, Input(InputId(f"i{number}"), "press", UserId(by), ref=ref))
        case _:
            return None


async def _ref(engine: Engine, conversation: ConversationId, label: str, nth: int) -> str:
    for line in reversed(await engine.history(conversation)):
        rows = line.message.buttons if line.message is not None else ()
        for button in (button for row in rows for button in row):
            if isinstance(button, Button) and button.text == label:
                nth -= 1
                if not nth:
                    return button.ref
    raise AssertionError(f"no button {label!r} in {conversation}")


async def _ask(engine: Engine, text: str, ends: bool) -> None:
    """Answer as an operator; a person would look whether the answer has arrived before giving it again."""
    for row in await engine._process.store.find(RunQuery(flow=flows.helpdesk.build().definition.name)):
        state = await engine.inspect(row.run)
        said = await engine.history(state.conversation)
        escalated = any(cursor.escalation is not None for cursor in state.cursors)
        if escalated and all(line.message is None or line.message.text != text for line in said):
            await engine.answer(row.run, text, "operator", ends=ends)
