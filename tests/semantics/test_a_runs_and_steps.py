"""Semantics A: runs, steps, navigation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta
from pydantic import BaseModel

from tests.semantics.conftest import Rehearsing
from tests.semantics.playing import result_of
from turnflow import Directive, Failure, Flow, Message, Registry, Turn, command, minutes
from turnflow.core.ids import StepName
from turnflow.errors import InvalidFlow, InvalidValue
from turnflow.ports import Handled, Unclaimed

SORRY = "Sorry, something went wrong here. Please try again later."


class Step(StrEnum):
    NAME = "name"
    CITY = "city"
    FOOD = "food"


class Guest(msgspec.Struct):
    name: str = ""
    city: str = ""
    food: str = ""


def party() -> Flow[Step, Guest]:
    """Asks three things; `back`, `again` and `restart` may be typed instead of an answer."""
    flow = Flow("party", steps=Step, data=Guest)

    def steered(turn: Turn[Step, Guest], answer: str) -> Directive | None:
        match answer:
            case "back":
                return turn.back()
            case "again":
                return turn.repeat()
            case "restart":
                return turn.goto(Step.NAME)
            case "food!":
                return turn.goto(Step.FOOD)
            case _:
                return None

    @flow.step(Step.NAME, ask="Your name?")
    async def name(turn: Turn[Step, Guest], answer: str) -> Directive:
        turn.data.name = answer
        return steered(turn, answer) or turn.next(Step.CITY)

    @flow.step(Step.CITY, ask="Your city?")
    async def city(turn: Turn[Step, Guest], answer: str) -> Directive:
        turn.data.city = answer
        return steered(turn, answer) or turn.next(Step.FOOD)

    @flow.step(Step.FOOD, ask="What do you eat?")
    async def food(turn: Turn[Step, Guest], answer: str) -> Directive:
        turn.data.food = answer
        return steered(turn, answer) or turn.complete(turn.data)

    return flow


# --- A1: runs -------------------------------------------------------------------------------------------------------


async def test_a1_a_finished_run_keeps_its_record_and_journal_and_a_new_one_gets_another_id(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(party()) as play:
        for text in ("/start", "Ada", "Rome", "Pasta"):
            await play.say(text)
        await play.restart()
        (first,) = await play.runs()
        assert first.status == "completed"
        assert first.ending is not None
        assert result_of(first.ending) == {"name": "Ada", "city": "Rome", "food": "Pasta"}
        assert len(await play.store.journal(first.run)) == 4

        assert await play.say("/start") == ["Your name?"]
        second = (await play.runs())[-1]
        assert second.run != first.run
        assert (await play.engine.inspect(first.run)).status == "completed"


# --- A2: handlers ---------------------------------------------------------------------------------------------------


async def test_a2_code_before_a_wait_does_not_run_again_because_the_wait_was_answered(rehearse: Rehearsing) -> None:
    entered: list[object] = []

    class Only(StrEnum):
        PAY = "pay"

    flow = Flow("pay", steps=Only)

    @flow.step(Only.PAY)
    async def pay(turn: Turn[Only, None]) -> Directive:
        if turn.input is None:
            entered.append("charged")
            turn.say("Charged. Send a note?")
            return turn.wait("note")
        entered.append(turn.input.text)
        return turn.wait("note") if turn.input.text == "more" else turn.complete(turn.input.text)

    async with rehearse(flow) as play:
        assert await play.say("/start") == ["Charged. Send a note?"]
        await play.restart()
        await play.say("more")
        await play.say("thanks")
        assert entered == ["charged", "more", "thanks"]


# --- A3: navigation -------------------------------------------------------------------------------------------------


async def test_a3_next_enters_the_target_in_the_same_turn(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        await play.say("/start")
        assert await play.say("Ada") == ["Your city?"]


async def test_a3_back_enters_the_previous_step_which_asks_again(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        for text in ("/start", "Ada", "Rome"):
            await play.say(text)
        assert await play.say("back") == ["Your city?"]
        assert await play.say("back") == ["Your name?"]
        assert await play.say("Bob") == ["Your city?"]


async def test_a3_back_on_the_first_step_asks_it_again(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        await play.say("/start")
        assert await play.say("back") == ["Your name?"]
        assert await play.say("back") == ["Your name?"]
        assert await play.say("Ada") == ["Your city?"]


async def test_a3_repeat_asks_the_current_step_again_and_leaves_the_history_alone(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        for text in ("/start", "Ada"):
            await play.say(text)
        assert await play.say("again") == ["Your city?"]
        assert await play.say("back") == ["Your name?"]


async def test_a3_goto_jumps_to_any_step_and_the_history_restarts_there(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        await play.say("/start")
        assert await play.say("food!") == ["What do you eat?"]
        assert await play.say("back") == ["What do you eat?"], "nothing lies behind the target of a goto"
        assert await play.say("restart") == ["Your name?"]
        await play.say("Ada")
        assert await play.say("back") == ["Your name?"]


async def test_a3_back_does_not_bounce_off_a_step_that_only_decides(rehearse: Rehearsing) -> None:
    class Age(StrEnum):
        ASK = "ask"
        DECIDE = "decide"
        ADULT = "adult"

    flow = Flow("age", steps=Age, data=Guest)

    @flow.step(Age.ASK, ask="How old?")
    async def ask(turn: Turn[Age, Guest], answer: int) -> Directive:
        return turn.next(Age.DECIDE)

    @flow.step(Age.DECIDE, routing=True)
    async def decide(turn: Turn[Age, Guest]) -> Directive:
        return turn.next(Age.ADULT)

    @flow.step(Age.ADULT, ask="Wine?")
    async def adult(turn: Turn[Age, Guest], answer: str) -> Directive:
        return turn.back()

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("40") == ["Wine?"]
        assert await play.say("back") == ["How old?"]


async def test_a3_back_returns_to_a_step_that_went_on_without_asking_and_it_decides_again(rehearse: Rehearsing) -> None:
    """A step that is not marked as routing is one a person can go back to, even if it asks nothing this time."""

    class Trip(StrEnum):
        WHERE = "where"
        NOTICE = "notice"
        WHEN = "when"

    flow = Flow("trip", steps=Trip)

    @flow.step(Trip.WHERE, ask="Where to?")
    async def where(turn: Turn[Trip, None], answer: str) -> Directive:
        return turn.next(Trip.NOTICE)

    @flow.step(Trip.NOTICE)
    async def notice(turn: Turn[Trip, None]) -> Directive:
        if turn.input is not None:
            return turn.next(Trip.WHEN)
        turn.say("Bring a passport. OK?")
        return turn.wait("seen")

    @flow.step(Trip.WHEN, ask="When?")
    async def when(turn: Turn[Trip, None], answer: str) -> Directive:
        return turn.back()

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("Oslo")
        await play.say("ok")
        assert await play.say("x") == ["Bring a passport. OK?"]


async def test_a3_complete_cancel_and_fail_end_the_run_and_say_how(rehearse: Rehearsing) -> None:
    class Only(StrEnum):
        END = "end"

    flow = Flow("ends", steps=Only)

    @flow.step(Only.END, ask="How?")
    async def end(turn: Turn[Only, None], answer: str) -> Directive:
        match answer:
            case "complete":
                return turn.complete({"fine": True})
            case "cancel":
                return turn.cancel("changed my mind")
            case _:
                return turn.fail("no_stock", "nothing left")

    async with rehearse(flow) as play:
        said = []
        for how in ("complete", "cancel", "fail"):
            await play.say("/start")
            said.append(await play.say(how))
        assert said == [[], ["Cancelled."], [SORRY]]
        completed, cancelled, failed = await play.endings()
        assert result_of(completed) == {"fine": True}
        assert (cancelled.outcome, cancelled.reason) == ("cancelled", "changed my mind")
        assert failed.error == Failure("no_stock", "nothing left", StepName("end"))


async def test_a3_escalate_parks_the_run_for_an_operator(rehearse: Rehearsing) -> None:
    class Only(StrEnum):
        HELP = "help"

    flow = Flow("help", steps=Only)

    @flow.step(Only.HELP, ask="What is it?")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.escalate("wants a person")

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("my order") == ["I am asking a colleague. Please wait a moment."]
        (run,) = await play.runs()
        assert run.status == "waiting"


async def test_a3_a_handler_can_read_the_metadata_of_its_run(rehearse: Rehearsing) -> None:
    seen = []

    class Two(StrEnum):
        FIRST = "first"
        SECOND = "second"

    flow = Flow("meta", steps=Two, version=3)

    @flow.step(Two.FIRST, ask="One?")
    async def first(turn: Turn[Two, None], answer: str) -> Directive:
        seen.append(turn.run)
        return turn.next(Two.SECOND)

    @flow.step(Two.SECOND, ask="Two?")
    async def second(turn: Turn[Two, None], answer: str) -> Directive:
        seen.append(turn.run)
        return turn.complete()

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.clock(minutes=5)
        await play.say("x")
        await play.say("y")
        (run,) = await play.runs()
        one, two = seen
        assert (one.id, one.user, one.conversation, one.chat) == (run.run, "you", "chat:you", "chat:you")
        assert (one.flow, one.version, one.parent) == ("meta", 3, None)
        assert (one.step, two.step) == ("first", "second")
        assert [(wait.label, wait.step) for wait in one.waits] == [("first", "first")]
        assert one.created == two.created == datetime(2026, 1, 1, 9, 0, 0, 1000, tzinfo=UTC)
        assert two.updated - two.created >= minutes(5)


# --- A4: data and scene ---------------------------------------------------------------------------------------------


class StructData(msgspec.Struct):
    name: str = ""
    tags: list[str] = []


@dataclass
class ClassData:
    name: str = ""
    tags: list[str] = field(default_factory=list)


class ModelData(BaseModel):
    name: str = ""
    tags: list[str] = []


@pytest.mark.parametrize("kind", [StructData, ClassData, ModelData])
async def test_a4_data_survives_restarts_whatever_it_is_written_with(
    rehearse: Rehearsing, kind: type[StructData] | type[ClassData] | type[ModelData]
) -> None:
    class Two(StrEnum):
        NAME = "name"
        TAG = "tag"

    flow = Flow("tags", steps=Two, data=kind)

    @flow.step(Two.NAME, ask="Name?")
    async def name(turn: Turn[Two, StructData | ClassData | ModelData], answer: str) -> Directive:
        turn.data.name = answer
        return turn.next(Two.TAG)

    @flow.step(Two.TAG, ask="Tag?")
    async def tag(turn: Turn[Two, StructData | ClassData | ModelData], answer: str) -> Directive:
        turn.data.tags.append(answer)
        if len(turn.data.tags) < 2:
            return turn.repeat()
        return turn.complete([turn.data.name, *turn.data.tags])

    async with rehearse(flow) as play:
        for text in ("/start", "Ada", "math", "poet"):
            await play.say(text)
            await play.restart()
        (ending,) = await play.endings()
        assert result_of(ending) == ["Ada", "math", "poet"]


class Limited(msgspec.Struct):
    age: Annotated[int, Meta(ge=0, le=150)] = 0
    note: str = ""


async def test_a4_a_value_that_does_not_fit_the_data_is_an_error_naming_the_field(rehearse: Rehearsing) -> None:
    class Only(StrEnum):
        AGE = "age"

    flow = Flow("limited", steps=Only, data=Limited)

    @flow.step(Only.AGE, ask="Age?")
    async def age(turn: Turn[Only, Limited], answer: int) -> Directive:
        turn.data.note = "written in the same turn"
        turn.data.age = answer
        return turn.complete(turn.data)

    @flow.on_error
    async def wrong(turn: Turn[Only, Limited], error: Failure) -> Directive:
        turn.say(f"{error.code}: {error.message} ({turn.data.note or 'nothing kept'})")
        return turn.goto(Only.AGE)

    async with rehearse(flow) as play:
        await play.say("/start")
        said = await play.say("999")
        assert said[0].startswith("invalid_data: ")
        assert "age" in said[0]
        assert "nothing kept" in said[0], "a refused commit keeps nothing of the handler's work"
        assert said[1] == "Age?"
        await play.say("36")
        assert (await play.endings())[0].outcome == "completed"


async def test_a4_initial_data_is_validated_before_the_run_starts(rehearse: Rehearsing) -> None:
    class Only(StrEnum):
        AGE = "age"

    flow = Flow("limited", steps=Only, data=Limited)

    @flow.step(Only.AGE, ask="Age?")
    async def age(turn: Turn[Only, Limited], answer: int) -> Directive:
        return turn.complete()

    registry = Registry()
    registry.register_callable(flow)
    async with rehearse(registry) as play:
        with pytest.raises(InvalidValue, match="age"):
            await play.engine.start("limited", {"age": 999}, conversation="chat:you", user="you")
        with pytest.raises(InvalidValue, match="nonsense"):
            await play.engine.start("limited", {"nonsense": 1}, conversation="chat:you", user="you")
        assert await play.runs() == []


async def test_a4_the_scene_is_kept_on_wait_and_repeat_and_cleared_on_every_transition(rehearse: Rehearsing) -> None:
    class Two(StrEnum):
        COUNT = "count"
        OTHER = "other"

    flow = Flow("scenes", steps=Two)

    @flow.step(Two.COUNT)
    async def count(turn: Turn[Two, None]) -> Directive:
        tries = turn.scene.get("tries", 0)
        assert isinstance(tries, int)
        if turn.input is None:
            turn.say(f"{tries} so far")
            return turn.wait("count")
        turn.scene["tries"] = tries + 1
        match turn.input.text:
            case "wait":
                return turn.wait("count")
            case "repeat":
                return turn.repeat()
            case "next":
                return turn.next(Two.OTHER)
            case "goto":
                return turn.goto(Two.COUNT)
            case _:
                return turn.back()

    @flow.step(Two.OTHER)
    async def other(turn: Turn[Two, None]) -> Directive:
        if turn.input is None:
            turn.say(f"other {turn.scene}")
            return turn.wait("other")
        return turn.back()

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("wait") == []
        await play.restart()
        assert await play.say("repeat") == ["2 so far"]
        assert await play.say("next") == ["other {}"]
        assert await play.say("x") == ["0 so far"], "back is a transition as well"
        await play.say("wait")
        assert await play.say("goto") == ["0 so far"], "even to the step itself"
        await play.say("wait")
        assert await play.say("back") == ["0 so far"]


# --- A5: input is consumed ------------------------------------------------------------------------------------------


async def test_a5_the_answer_of_one_step_never_leaks_into_the_next_or_a_branch_or_a_run_after_a_restart(
    rehearse: Rehearsing,
) -> None:
    seen: list[tuple[str, str | None]] = []

    class Five(StrEnum):
        FIRST = "first"
        BOTH = "both"
        LEFT = "left"
        RIGHT = "right"
        LAST = "last"

    flow = Flow("leaks", steps=Five)

    @flow.step(Five.FIRST, ask="First?")
    async def first(turn: Turn[Five, None], answer: str) -> Directive:
        seen.append(("first", answer))
        return turn.next(Five.BOTH)

    for side in (Five.LEFT, Five.RIGHT):

        @flow.step(side)
        async def branch(turn: Turn[Five, None]) -> Directive:
            seen.append((turn.step.value, turn.input.text if turn.input else None))
            if turn.input is None:
                return turn.wait(turn.step.value)
            return turn.done()

    @flow.step(Five.LAST)
    async def last(turn: Turn[Five, None]) -> Directive:
        seen.append(("last", turn.input.text if turn.input else None))
        return turn.complete() if turn.input else turn.wait("last")

    flow.parallel(start=Five.BOTH, steps=[Five.LEFT, Five.RIGHT], join=Five.LAST)

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("Ada")
        assert seen == [("first", "Ada"), ("left", None), ("right", None)]
        await play.restart()
        await play.say("one")
        await play.press("left")
        await play.say("two")
        assert seen[3:] == [("left", "one"), ("right", "two"), ("last", None)]
        assert await play.redeliver()
        await play.restart()
        assert len(seen) == 6


async def test_a5_the_input_that_starts_a_flow_does_not_answer_its_first_question(rehearse: Rehearsing) -> None:
    registry = Registry()
    registry.register(party(), on=[command("start")])
    async with rehearse(registry) as play:
        assert await play.say("/start Ada") == ["Your name?"]


# --- A6: failing handlers -------------------------------------------------------------------------------------------


def fragile() -> tuple[Flow[Step, Guest], list[str]]:
    flow = party()
    fails: list[str] = []

    @flow.middleware
    async def broken(turn: Turn[Step, Guest], call_next: object) -> Directive:
        if turn.input is not None and turn.input.text in fails:
            raise RuntimeError("the database is away")
        assert callable(call_next)
        return await call_next()  # type: ignore[no-any-return]

    return flow, fails


async def test_a6_a_handler_that_raises_ends_the_run_by_the_failure_rules_and_the_person_is_told(
    rehearse: Rehearsing,
) -> None:
    flow, fails = fragile()
    fails.append("Ada")
    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("Ada") == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert (ending.error.code, ending.error.step, ending.error.attempt) == ("exception", "name", 1)
        assert "the database is away" in ending.error.message
        await play.say("anybody?")
        assert isinstance(play.deliveries[0], Unclaimed), "no run is left that swallows what people say"
        assert await play.say("/start") == ["Your name?"]


async def test_a6_the_input_of_a_handler_that_raised_is_not_lost(rehearse: Rehearsing) -> None:
    flow, fails = fragile()
    fails.append("Ada")

    @flow.on_error
    async def again(turn: Turn[Step, Guest], error: Failure) -> Directive:
        turn.say(f"One moment, I have {turn.input.text if turn.input else 'nothing'}.")
        fails.clear()
        return turn.repeat()

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("Ada") == ["One moment, I have Ada.", "Your city?"]


# --- A7: order ------------------------------------------------------------------------------------------------------


async def test_a7_deliveries_that_arrive_at_once_are_applied_one_after_the_other_in_order(rehearse: Rehearsing) -> None:
    async with rehearse(party()) as play:
        await play.say("/start")
        await play.race("Ada", "Rome", "Pasta")
        (ending,) = await play.endings()
        assert result_of(ending) == {"name": "Ada", "city": "Rome", "food": "Pasta"}


async def test_a7_a_slow_handler_does_not_hold_up_cancel_timers_or_other_runs(rehearse: Rehearsing) -> None:
    release = asyncio.Event()

    class Only(StrEnum):
        WORK = "work"

    slow = Flow("slow", steps=Only)

    @slow.step(Only.WORK)
    async def work(turn: Turn[Only, None]) -> Directive:
        await release.wait()
        turn.say("Done.")
        return turn.complete()

    ticking = Flow("ticking", steps=Only)

    @ticking.step(Only.WORK, ask="Still there?", timeout=minutes(1), on_timeout="cancel")
    async def tick(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete()

    registry = Registry()
    registry.register(slow, on=[command("slow")])
    registry.register(ticking, on=[command("tick")])
    async with rehearse(registry) as play:
        await play.say("/tick")
        await play.say("/slow")
        bob = play.as_("bob")
        assert await bob.say("/tick") == ["Still there?"]
        assert "This took too long" in (await play.clock(minutes=2))[0]
        assert await play.say("/cancel") == ["Cancelled."]
        release.set()
        await play.settle()
        assert {run.flow: run.status for run in await play.runs()} == {"slow": "cancelled", "ticking": "cancelled"}
        assert "Done." not in play.person.texts, "an answer that comes too late says nothing"


async def test_a7_what_is_said_while_a_slow_handler_works_waits_for_its_question(rehearse: Rehearsing) -> None:
    release = asyncio.Event()

    class Two(StrEnum):
        LOOK = "look"
        NAME = "name"

    flow = Flow("slow", steps=Two)

    @flow.step(Two.LOOK)
    async def look(turn: Turn[Two, None]) -> Directive:
        await release.wait()
        return turn.next(Two.NAME)

    @flow.step(Two.NAME, ask="Your name?")
    async def name(turn: Turn[Two, None], answer: str) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("Ada")
        assert isinstance(play.deliveries[0], Handled)
        release.set()
        while not await play.endings():
            await asyncio.sleep(0.01)
        (ending,) = await play.endings()
        assert result_of(ending) == "Ada"


# --- A8: validation -------------------------------------------------------------------------------------------------


def test_a8_build_reports_all_problems_at_once_with_their_paths() -> None:
    class Broken(StrEnum):
        START = "start"
        ASK = "ask"
        LEFT = "left"
        JOIN = "join"
        FORGOTTEN = "forgotten"

    class Other(StrEnum):
        JOINT = "joint"

    flow = Flow("broken flow!", steps=Broken, data=Guest)

    @flow.step(Broken.START, to=[Other.JOINT])  # type: ignore[list-item]
    async def start(turn: Turn[Broken, Guest]) -> Directive:
        return turn.done()

    @flow.step(Broken.ASK, ask="?", on_timeout=Broken.LEFT, retries=None, on_exhausted=Broken.LEFT)
    async def ask(turn: Turn[Broken, Guest], answer: type) -> Directive:
        return turn.done()

    @flow.step(Broken.ASK, ask="?")
    async def ask_again(turn: Turn[Broken, Guest], answer: str) -> Directive:
        return turn.done()

    @flow.step(Broken.LEFT)  # type: ignore[arg-type]
    def left(turn: Turn[Broken, Guest]) -> Directive:
        return turn.done()

    @flow.step(Broken.JOIN)
    async def join(turn: Turn[Broken, Guest], amount: int) -> Directive:
        return turn.complete()

    flow.parallel(start=Broken.START, steps=[Broken.LEFT, Broken.JOIN], join=Broken.JOIN)

    with pytest.raises(InvalidFlow) as raised:
        flow.build()
    found = {(problem.code, problem.path) for problem in raised.value.problems}
    assert found >= {
        ("bad_name", "flow"),
        ("unknown_step", "steps.start.to"),
        ("timeout_missing", "steps.ask.on_timeout"),
        ("unbounded_attempts", "steps.ask.ask.on_exhausted"),
        ("bad_answer", "steps.ask"),
        ("duplicate_handler", "steps.ask"),
        ("not_async", "steps.left"),
        ("bad_signature", "steps.join"),
        ("missing_handler", "steps.forgotten"),
        ("join_in_branches", "groups.start.join"),
    }
    assert "did you mean 'join'?" in str(raised.value)


def test_a8_unreachable_steps_and_flows_without_an_end_are_found_over_declared_edges() -> None:
    class Round(StrEnum):
        A = "a"
        B = "b"
        ISLAND = "island"

    def made(island: list[Round]) -> Flow[Round, None]:
        flow = Flow("round", steps=Round)
        for step, to in ((Round.A, [Round.B]), (Round.B, [Round.A]), (Round.ISLAND, island)):

            @flow.step(step, ask="?", to=to)
            async def handler(turn: Turn[Round, None], answer: str) -> Directive:
                return turn.done()

        return flow

    with pytest.raises(InvalidFlow) as raised:
        made([]).build()
    assert {(problem.code, problem.path) for problem in raised.value.problems} == {
        ("unreachable", "steps.island"),
        ("no_end", "steps"),
    }


async def test_a8_a_computed_target_that_does_not_exist_fails_the_run_with_a_clear_error(rehearse: Rehearsing) -> None:
    class Other(StrEnum):
        ELSEWHERE = "elsewhere"

    class Only(StrEnum):
        ASK = "ask"

    flow = Flow("lost", steps=Only)

    @flow.step(Only.ASK, ask=lambda turn: Message("Where?"))
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.next(Other.ELSEWHERE)  # type: ignore[arg-type]

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("there") == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert ending.error.code == "unknown_step"
        assert "elsewhere" in ending.error.message
