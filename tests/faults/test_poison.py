"""An input that ends the process again and again is set aside; nobody else is affected, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path

import msgspec
import pytest

from tests.faults.house import House, house
from tests.faults.sweep import forked
from turnflow import Directive, Flow, Registry, Texts, Turn, command, minutes
from turnflow.core.ids import ConversationId, InputId, MailboxId, UserId
from turnflow.core.inputs import typed
from turnflow.core.state import RunState
from turnflow.engine.payloads import Arrived, encode
from turnflow.errors import InternalError
from turnflow.ports import PARTITIONS, Duplicate, Handled, Inbound, InboxRecord
from turnflow.stores import open_store
from turnflow.testing.bot import RecordedBot
from turnflow.testing.clock import FakeClock


class Step(StrEnum):
    ASK = "ask"


class Meal(msgspec.Struct):
    eaten: list[str] = msgspec.field(default_factory=list)


def kitchen(antidote: Path) -> Registry:
    """A flow that dies of one word as long as there is no antidote."""
    meal = Flow("meal", steps=Step, data=Meal)

    @meal.step(Step.ASK, ask="What?")
    async def ask(turn: Turn[Step, Meal], answer: str) -> Directive:
        if answer == "poison" and not antidote.exists():
            os.kill(os.getpid(), signal.SIGKILL)
        turn.data.eaten.append(answer)
        return turn.repeat()

    flows = Registry()
    flows.register(meal, on=[command("eat")])
    return flows


def live(folder: Path, day: Callable[[House], Awaitable[None]]) -> bool:
    """Live through a day in a process of its own; tell whether it was killed."""

    async def whole() -> None:
        store = open_store(f"sqlite:///{folder}/turns.db")
        async with house(kitchen(folder / "antidote"), store, clock=FakeClock(), bot=RecordedBot("t:")) as home:
            await day(home)

    return forked(lambda: asyncio.run(whole()), folder / "trouble") == signal.SIGKILL


async def start(home: House) -> None:
    for person in ("ann", "bob"):
        await home.say("/eat", by=person, chat=person, id=f"start-{person}")


async def poison(home: House) -> None:
    answer = await home.say("poison", by="ann", chat="ann", id="bad")
    assert isinstance(answer, Duplicate), answer


def lunch(number: int) -> Callable[[House], Awaitable[None]]:
    async def day(home: House) -> None:
        await home.say(f"soup {number}", by="bob", chat="bob", id=f"soup-{number}")

    return day


@pytest.mark.crash
def test_an_input_that_kills_the_process_is_set_aside_after_five_attempts_and_can_be_retried(tmp_path: Path) -> None:
    assert not live(tmp_path, start)
    kills = 0
    while live(tmp_path, poison):  # its sender sends it again as long as nobody acknowledges it
        kills += 1
        assert kills < 10, "it is never set aside"
    assert 5 <= kills <= 7
    for number in range(2):
        assert not live(tmp_path, lunch(number))

    async def look(home: House) -> None:
        ann, bob = await by_person(home)
        assert ann.status == "stuck"
        assert [input.text for input in ann.backlog] == ["poison"]
        assert (bob.status, eaten(bob)) == ("waiting", ["soup 0", "soup 1"])
        await home.say("hello?", by="ann", chat="ann", id="hello")
        told = [line.message.text for line in await home.engine.history(ConversationId("t:ann")) if line.message]
        assert told[-1] == Texts().stuck
        await home.verify(sent_is_all=False)

    assert not live(tmp_path, look)
    (tmp_path / "antidote").touch()

    async def retry(home: House) -> None:
        ann, _ = await by_person(home)
        await home.engine.retry(ann.run)
        await home.rest()
        ann, _ = await by_person(home)
        assert (ann.status, eaten(ann)) == ("waiting", ["poison", "hello?"])
        await home.verify(sent_is_all=False)

    assert not live(tmp_path, retry)


@pytest.mark.crash
def test_others_are_served_by_the_processes_that_die_in_between(tmp_path: Path) -> None:
    assert not live(tmp_path, start)

    def day(number: int) -> Callable[[House], Awaitable[None]]:
        async def both(home: House) -> None:
            await home.say(f"soup {number}", by="bob", chat="bob", id=f"soup-{number}")
            await home.say("poison", by="ann", chat="ann", id="bad")

        return both

    days = 0
    while live(tmp_path, day(days)):
        days += 1
        assert days < 12

    async def look(home: House) -> None:
        ann, bob = await by_person(home)
        assert ann.status == "stuck"
        assert eaten(bob)[-1] == f"soup {days}"
        await home.verify(sent_is_all=False)

    assert not live(tmp_path, look)


async def by_person(home: House) -> tuple[RunState, RunState]:
    runs = {state.user: state for state in await home.runs("meal")}
    return runs[UserId("ann")], runs[UserId("bob")]


def eaten(state: RunState) -> list[str]:
    return msgspec.json.decode(state.data["eaten"], type=list[str])


async def test_a_turn_that_fails_inside_the_engine_is_tried_again_and_set_aside_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A defect of ours, not of a handler: accepted input is kept, its run becomes stuck, others go on."""
    from turnflow.engine import arrival

    true = arrival.arrive

    def defective(turn: object, payload: object) -> None:
        if b"defect" in msgspec.json.encode(payload):
            raise RuntimeError("a defect")
        true(turn, payload)  # type: ignore[arg-type]  # handed on as it came

    async with house(kitchen(Path("/nowhere"))) as home:
        await home.say("/eat")
        monkeypatch.setattr(arrival, "arrive", defective)
        bad = home.text("defect")
        with_error = home.text("defect too")
        with pytest.raises(InternalError, match="a defect"):
            await home.send(with_error)
        assert not await home.store.seen(InputId(with_error.input.id)), "it was not accepted: its sender sends it again"
        assert isinstance(await home.send(bad, door="accept"), Handled)
        state = await home.run()
        assert state.status == "stuck"
        assert [input.text for input in state.backlog] == ["defect"]
        monkeypatch.setattr(arrival, "arrive", true)
        await home.engine.retry(state.run)
        await home.rest()
        assert eaten(await home.run()) == ["defect"]
        await home.verify()


@pytest.mark.crash
def test_nobody_is_blamed_for_standing_in_the_queue_when_somebody_else_ends_the_process(tmp_path: Path) -> None:
    people = [f"p{number}" for number in range(12)]

    async def arrive(home: House) -> None:
        for person in ("ann", *people):
            await home.say("/eat", by=person, chat=person, id=f"start-{person}")

    async def accept() -> None:
        """Everybody's next line is in the inbox when the process starts."""
        store = open_store(f"sqlite:///{tmp_path}/turns.db")
        await store.open()
        for person, word in (("ann", "poison"), *((person, "soup") for person in people)):
            inbound = Inbound(ConversationId(f"t:{person}"), typed(word, id=f"next-{person}", sender=person, at=1))
            entry = InboxRecord(MailboxId(inbound.conversation), 0, inbound.input.id, encode(Arrived(inbound)), 1)
            await store.accept([entry])
        await store.acquire("a process that is gone", range(PARTITIONS), 0)
        await store.close()

    async def nothing(home: House) -> None:
        pass

    assert not live(tmp_path, arrive)
    asyncio.run(accept())
    kills = 0
    while live(tmp_path, nothing):
        kills += 1
        assert kills < 10, "it is never set aside"
    assert kills == 5

    async def look(home: House) -> None:
        states = {str(state.user): state for state in await home.runs("meal")}
        assert states.pop("ann").status == "stuck"
        assert {(state.status, *eaten(state)) for state in states.values()} == {("waiting", "soup")}
        await home.verify(sent_is_all=False)

    assert not live(tmp_path, look)


class Course(StrEnum):
    ORDER = "order"
    WAIT = "wait"


def menu(antidote: Path) -> Registry:
    """Background work that kills when it begins, and a timeout whose handler kills."""

    def kill() -> None:
        if not antidote.exists():
            os.kill(os.getpid(), signal.SIGKILL)

    dessert = Flow("dessert", steps=Step)

    @dessert.step(Step.ASK)
    async def begin(turn: Turn[Step, None]) -> Directive:
        kill()
        return turn.complete("cake")

    async def late(turn: Turn[Course, None]) -> Directive:
        kill()
        return turn.complete("late")

    order = Flow("order", steps=Course)

    @order.step(Course.ORDER, ask="What?", to=[Course.WAIT])
    async def take(turn: Turn[Course, None], answer: str) -> Directive:
        await turn.start(dessert)
        return turn.next(Course.WAIT)

    @order.step(Course.WAIT, ask="Wait?", timeout=minutes(5), on_timeout=late)
    async def wait(turn: Turn[Course, None], answer: str) -> Directive:
        return turn.repeat()

    flows = Registry()
    flows.register(order, on=[command("order")])
    flows.register_callable(dessert)
    return flows


@pytest.mark.crash
@pytest.mark.parametrize(("minutes_later", "victim"), [(0, "dessert"), (10, "order")])
def test_what_happened_to_a_run_is_not_lost_when_its_code_is_not_run_any_more(
    tmp_path: Path, minutes_later: int, victim: str
) -> None:
    """The start of a child and the end of a wait are set aside with nothing but the code that kills: a retry goes on there."""
    antidote = tmp_path / "antidote"

    def day(work: Callable[[House], Awaitable[None]], later: int = 0) -> bool:
        async def whole() -> None:
            clock = FakeClock()
            clock.advance(minutes=later)
            store = open_store(f"sqlite:///{tmp_path}/turns.db")
            async with house(menu(antidote), store, clock=clock, bot=RecordedBot("t:")) as home:
                await work(home)

        return forked(lambda: asyncio.run(whole()), tmp_path / "trouble") == signal.SIGKILL

    async def talk(home: House) -> None:
        for number, line in enumerate(("/order", "cake")):
            await home.say(line, id=f"line-{number}")

    async def nothing(home: House) -> None:
        pass

    async def look(home: House) -> None:
        (state,) = await home.runs(victim)
        assert state.status == "stuck"
        await home.verify(sent_is_all=False)

    async def retry(home: House) -> None:
        (state,) = await home.runs(victim)
        await home.engine.retry(state.run)
        await home.rest()
        assert (await home.engine.inspect(state.run)).status == "completed"
        await home.verify(sent_is_all=False)

    if victim == "order":
        antidote.touch()
        assert not day(talk)
        antidote.unlink()
    else:
        assert day(talk)
    kills = 0
    while day(talk if victim == "dessert" else nothing, minutes_later):
        kills += 1
        assert kills < 12, "it is never set aside"
    assert not day(look, minutes_later)
    antidote.touch()
    assert not day(retry, minutes_later)
