"""A rehearsal: the real engine on a real store, with a clock that the test moves and a channel that keeps what is said.

async with Rehearsal(signup) as play:
    await play.say("/start")
    assert await play.say("Ada") == ["How old are you?"]
    await play.clock(hours=25)
    await play.restart()
    play.crash("turn.before_commit")
    await play.say("36")
    await play.press("yes")
    await play.check()
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Self

from turnflow.core.codec import decode_state
from turnflow.core.ids import At, ConversationId, MailboxId
from turnflow.core.state import TERMINAL, Ending, RunState
from turnflow.engine import Desk, Engine, Process, Registry, Texts
from turnflow.engine.registry import Buildable
from turnflow.errors import InternalError
from turnflow.ports import PARTITIONS, Delivery, Handled, Inbound, RunQuery, Store, TimerRecord
from turnflow.testing import invariants
from turnflow.testing.bot import RecordedBot
from turnflow.testing.clock import FakeClock
from turnflow.testing.life import Crashed, Fuse, Life
from turnflow.testing.people import Operator, Person
from turnflow.testing.stage import Stage, StoreMaker, registry_of
from turnflow.testing.transcript import YOU, parse_act


class Rehearsal:
    """Plays people against flows.

    flows: a registry, or one flow, which then starts on `/start`. store: a URL, a store, or a function that makes one and is
    handed the callback for crash points; it stays the same through restarts and crashes. The other options are those of
    `open_engine`. Time stands still but for `clock()` and one millisecond for every input.
    """

    def __init__(
        self,
        flows: Registry | Buildable,
        *,
        store: str | Store | StoreMaker = "memory://",
        roles: Mapping[str, Collection[str]] | None = None,
        resources: Iterable[object] = (),
        texts: Texts | None = None,
        cancel_command: str = "cancel",
        hot_limit: int = 10_000,
    ) -> None:
        self.registry = registry_of(flows)
        self._deployed = [self.registry]
        self.fake_clock = FakeClock()
        self.bot = RecordedBot("chat:")
        self.deliveries: list[Delivery] = []
        """What became of the inputs delivered last."""
        self._texts = texts or Texts()
        process = partial(
            Process,
            clock=self.fake_clock,
            roles=dict(roles or {}),
            resources={type(resource): resource for resource in resources},
            texts=self._texts,
            cancel_command=cancel_command,
            hot_limit=hot_limit,
        )
        self._stage = Stage(
            store,
            lambda store, crash: process(self.registry, store, crash=crash),
            opened=lambda life: life.engine.connect(self.bot),
        )
        self._people: dict[str, Person] = {}
        self._last: tuple[Inbound, ...] = ()
        self._acknowledged: set[str] = set()
        self._ids = 0
        self._prefix = secrets.token_hex(4)
        self.operator = Operator(self, Desk(self.store, self.fake_clock))
        """Answers runs that escalate."""
        self.person = self.as_(YOU)
        """Who speaks by `play.say(...)`."""

    async def __aenter__(self) -> Self:
        await self._stage.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stage.__aexit__(kind, error, trace)

    # --- what people do ------------------------------------------------------------------------------------------

    async def say(self, text: str) -> list[str]:
        """Type a text or a /command; return the replies."""
        return await self.person.say(text)

    async def press(self, label: str, nth: int = 1) -> list[str]:
        """Press the button with that label of the newest message that has one, or of the `nth` newest; return the replies."""
        return await self.person.press(label, nth)

    async def share(self, kind: str, detail: str = "") -> list[str]:
        """Send media, a contact or a location (see `Person.share`); return the replies."""
        return await self.person.share(kind, detail)

    @property
    def replies(self) -> list[str]:
        """What was replied since somebody last did something."""
        return self.person.replies

    def as_(self, name: str, *, chat: str | None = None) -> Person:
        """Return somebody else, in a conversation of their own or in `chat` (the first person's is `you`)."""
        conversation = ConversationId(f"{self.bot.prefix}{chat or name}")
        known = self._people.get(name)
        if known is None or (chat is not None and known.conversation != conversation):
            known = self._people[name] = Person(self, name, conversation)
            known.attend()
        return known

    async def race(self, *acts: str | tuple[Person, str] | timedelta) -> list[Delivery]:
        """Deliver several inputs at the same time, each written as behind the `>` of a transcript: "Ada", "[yes]", "/cancel".

        A pair says who does it. A time moves the clock, so that what was due by then fires in its place among the inputs.
        Returns what became of each input.
        """
        found: list[Inbound | timedelta] = []
        for act in acts:
            who, done = act if isinstance(act, tuple) else (self.person, act)
            found.append(who.inbound(parse_act(done)) if isinstance(done, str) else done)
        return await self.deliver(*found)

    async def redeliver(self) -> list[Delivery]:
        """Deliver the last input (all of a race) once more, with the same id, as channels do when in doubt."""
        return await self.deliver(*self._last)

    async def deliver(self, *happenings: Inbound | timedelta) -> list[Delivery]:
        """Deliver inputs at the same time and wait until everything is at rest; after a crash they are delivered again."""
        await self._attend()
        self._last = tuple(item for item in happenings if isinstance(item, Inbound))
        for item in happenings:
            if isinstance(item, timedelta):
                self.fake_clock.advance(seconds=item.total_seconds())
        self.deliveries = await self._stage.through(lambda life: self._all_at_once(life, happenings))
        self._acknowledged |= {
            inbound.input.id
            for inbound, outcome in zip(self._last, self.deliveries, strict=True)
            if isinstance(outcome, Handled)
        }
        await self.settle()
        return self.deliveries

    async def tell(self, mailbox: MailboxId, command: Callable[[], Awaitable[None]]) -> None:
        """Let somebody put something into the store, as another process would, and wait until everything is at rest."""
        await self._attend()

        async def put(life: Life) -> None:
            await command()

        await self._stage.through(put)
        self._stage.life.process.wake(mailbox)
        await self.settle()

    # --- time, and what happens to the engine ----------------------------------------------------------------------

    async def clock(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0, milliseconds: float = 0
    ) -> list[str]:
        """Let time pass; every timer fires at its own time on the way. Returns the replies."""
        await self._attend()
        passed = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
        target = self.fake_clock.now() + passed // timedelta(milliseconds=1)
        fired: dict[TimerRecord, int] = {}
        while timers := await self._due(target):
            fired[timers[0]] = fired.get(timers[0], 0) + 1
            if fired[timers[0]] > 3:
                raise InternalError(f"{timers[0]} is due and does not go away")
            self.fake_clock.move_to(max(self.fake_clock.now(), timers[0].due))
            await self._stage.through(lambda life: _fire(life, timers))
            await self.settle()
        self.fake_clock.move_to(target)
        await self.settle()
        return self.replies

    async def restart(self, down: timedelta = timedelta()) -> list[str]:
        """Stop the engine in an orderly way; some time later open a new one on the same store. Returns the replies."""
        await self._attend()
        await self._stage.reopen(lambda: self.fake_clock.advance(seconds=down.total_seconds()))
        await self.settle()
        return self.replies

    async def deploy(self, flows: Registry | Buildable) -> list[str]:
        """Stop the engine in an orderly way and open a new one with other flows on the same store. Returns the replies."""
        self.registry = registry_of(flows)
        self._deployed.append(self.registry)
        return await self.restart()

    def crash(self, point: str, *, hit: int = 1) -> None:
        """Let the engine die when it next reaches a point (see `turnflow.engine.CRASH_POINTS`), or reaches it `hit` times.

        Everything it holds in memory is lost without an orderly stop, as by a kill. A new one is opened at once, and whatever
        was being delivered is delivered again. Called several times: the next point counts once the one before has ended a life.
        """
        self._stage.fuse.arm(point, hit)

    async def settle(self) -> None:
        """Wait until nothing is being done and every reply that can be sent now is; slow handlers are not waited for."""
        for _ in range(3):  # whoever slept by the clock gets its turn
            await asyncio.sleep(0)
        await self._stage.through(lambda life: life.process.quiet())
        await self.operator.read()

    # --- looking --------------------------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The store, the same through restarts and crashes."""
        return self._stage.store

    @property
    def fuse(self) -> Fuse:
        """Crash points: which were reached, and which ended an engine."""
        return self._stage.fuse

    @property
    def engine(self) -> Engine:
        """The engine of this moment; restarts and crashes replace it."""
        return self._stage.life.engine

    async def runs(self) -> list[RunState]:
        """Return all runs, those that have ended too, in the order in which they last changed."""
        rows = await self.store.find(RunQuery(limit=100_000))
        return sorted((decode_state(row.state) for row in rows), key=lambda state: (state.updated, state.created))

    async def endings(self) -> list[Ending]:
        """Return how runs that nobody called have ended, in that order."""
        return [
            state.ending
            for state in await self.runs()
            if state.status in TERMINAL and state.ending is not None and not (state.parent and state.parent.awaited)
        ]

    async def check(self) -> invariants.Report:
        """Hold everything in the store, and all the bot was sent, against the guarantees (`turnflow.testing.invariants`).

        Raises `InvariantsBroken` with all violations.
        """
        witness = invariants.Witness(
            sent=self.bot.sent,
            acknowledged=self._acknowledged,
            conversations={person.conversation for person in self._people.values()},
            now=self.fake_clock.now(),
        )
        return await invariants.check(self.store, invariants.definitions_of(*self._deployed), witness, self._texts)

    def new_id(self) -> str:
        """Return an input id that was never used."""
        self._ids += 1
        return f"{self._prefix}:{self._ids}"

    # --- private --------------------------------------------------------------------------------------------------

    async def _all_at_once(self, life: Life, happenings: Sequence[Inbound | timedelta]) -> list[Delivery]:
        overdue = await self._due(self.fake_clock.now())
        outcomes = await asyncio.gather(
            *(life.engine.deliver(item) if isinstance(item, Inbound) else _fire(life, overdue) for item in happenings),
            return_exceptions=True,
        )
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for failure in sorted(failed, key=lambda failure: not isinstance(failure, Crashed)):
            raise failure
        return [outcome for outcome in outcomes if outcome is not None and not isinstance(outcome, BaseException)]

    async def _attend(self) -> None:
        for person in self._people.values():
            person.attend()
        self.operator.replies = []

    async def _due(self, target: At) -> tuple[TimerRecord, ...]:
        """Return the timers that are due next, if any are before the target."""
        timers = (await self.store.due(range(PARTITIONS), target + 1, 1)).timers
        if not timers:
            return ()
        return (await self.store.due(range(PARTITIONS), timers[0].due + 1, 100_000)).timers


async def _fire(life: Life, timers: tuple[TimerRecord, ...]) -> None:
    life.process.timers.add(timers)
    life.process.timers.fire_due()
