"""Semantics E3: hooks and middleware; a failing hook is reported and never resurrects or strands a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec
import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Only, asking
from tests.semantics.playing import EXPIRED, SORRY, results
from turnflow import Directive, Failure, Flow, Message, Registry, Turn, command, hours, minutes


class Two(StrEnum):
    NAME = "name"
    CITY = "city"


class Guest(msgspec.Struct):
    name: str = ""
    seen: list[str] = []


def hooked(log: list[str]) -> Flow[Two, Guest]:
    """Two questions; every hook notes its call; what is typed may end the run in every way there is."""
    flow = Flow("hooked", steps=Two, data=Guest, ttl=hours(5))

    @flow.step(Two.NAME, ask="Name?", timeout=hours(1), on_timeout="cancel")
    async def name(turn: Turn[Two, Guest], answer: str) -> Directive:
        log.append(f"name got {answer}")
        match answer:
            case "again":
                return turn.repeat()
            case "cancel":
                return turn.cancel()
            case "fail":
                return turn.fail("enough")
            case "raise":
                raise RuntimeError("broken")
            case _:
                return turn.next(Two.CITY)

    @flow.step(Two.CITY, ask="City?")
    async def city(turn: Turn[Two, Guest], answer: str) -> Directive:
        return turn.back() if answer == "back" else turn.complete(answer)

    @flow.on_enter
    async def entered(turn: Turn[Two, Guest]) -> None:
        log.append("flow enter")

    @flow.on_exit
    async def left(turn: Turn[Two, Guest]) -> None:
        log.append(f"flow exit {turn.outcome}")

    @flow.on_complete
    async def completed(turn: Turn[Two, Guest]) -> None:
        log.append("complete")

    @flow.on_step_enter
    async def step_entered(turn: Turn[Two, Guest]) -> None:
        log.append(f"enter {turn.step}")

    @flow.on_step_leave
    async def step_left(turn: Turn[Two, Guest]) -> None:
        log.append(f"leave {turn.step}")

    return flow


async def test_e3_hooks_run_around_flows_and_steps_in_order(rehearse: Rehearsing) -> None:
    log: list[str] = []
    async with rehearse(hooked(log)) as play:
        for text in ("/start", "again", "Ada", "Rome"):
            await play.say(text)
            await play.restart()
    assert log == [
        "flow enter",
        "enter name",
        "name got again",
        "name got Ada",
        "leave name",
        "enter city",
        "leave city",
        "complete",
        "flow exit completed",
    ]


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ("cancel", "cancelled"),
        ("fail", "failed"),
        ("raise", "failed"),
        ("/cancel", "cancelled"),
        ("~1h", "cancelled"),
        ("engine", "cancelled"),
    ],
)
async def test_e3_the_exit_hook_runs_however_the_flow_ends(rehearse: Rehearsing, how: str, outcome: str) -> None:
    log: list[str] = []
    async with rehearse(hooked(log)) as play:
        await play.say("/start")
        match how:
            case "~1h":
                assert await play.clock(hours=1) == [EXPIRED]
            case "engine":
                await play.engine.cancel((await play.runs())[0].run)
                await play.settle()
            case _:
                await play.say(how)
        assert [line for line in log if "got" not in line] == [
            "flow enter",
            "enter name",
            "leave name",
            f"flow exit {outcome}",
        ]


async def test_e3_the_exit_hook_runs_at_the_end_of_the_flow_s_time_also_after_a_restart(rehearse: Rehearsing) -> None:
    log: list[str] = []
    async with rehearse(hooked(log)) as play:
        await play.say("/start")
        await play.say("Ada")
        await play.restart(hours(6))
        assert log[-1] == "flow exit cancelled"


async def test_e3_what_an_enter_hook_says_and_saves_comes_before_the_first_question(rehearse: Rehearsing) -> None:
    flow = Flow("welcome", steps=Only, data=Guest)

    @flow.step(Only.ASK, ask=lambda turn: f"{turn.data.name}, how are you?")
    async def ask(turn: Turn[Only, Guest], answer: str) -> Directive:
        return turn.complete()

    @flow.on_enter
    async def welcome(turn: Turn[Only, Guest]) -> None:
        turn.say("Welcome!")
        turn.data.name = turn.run.user

    static = asking("static")

    @static.on_enter
    async def hello(turn: Turn[Only, None]) -> None:
        turn.say(f"Hello after {turn.trigger.text if turn.trigger else ''}!")

    registry = Registry()
    registry.register(flow, on=[command("start")])
    registry.register(static, on=[command("static")])
    async with rehearse(registry) as play:
        assert await play.say("/start") == ["Welcome!", "you, how are you?"]
        assert await play.say("/static") == ["Hello after /static!", "static?"]


async def test_e3_an_exit_hook_may_say_good_bye(rehearse: Rehearsing) -> None:
    flow = asking("a")

    @flow.on_exit
    async def good_bye(turn: Turn[Only, None]) -> None:
        turn.say(f"Bye ({turn.outcome}).")

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("hello") == ["Bye (completed)."]
        await play.say("/start")
        assert "Bye (cancelled)." in await play.say("/cancel")


# --- middleware -------------------------------------------------------------------------------------------------------


async def test_e3_middleware_wraps_handlers_outermost_first_and_may_answer_itself(rehearse: Rehearsing) -> None:
    log: list[str] = []
    flow = asking("a")

    @flow.middleware
    async def outer(turn: Turn[Only, None], call_next: Callable[[], Awaitable[Directive]]) -> Directive:
        log.append("outer before")
        directive = await call_next()
        log.append("outer after")
        return directive

    @flow.middleware
    async def inner(turn: Turn[Only, None], call_next: Callable[[], Awaitable[Directive]]) -> Directive:
        if turn.input is not None and turn.input.text == "forbidden":
            turn.say("You must not say that.")
            return turn.repeat()
        log.append("inner")
        return await call_next()

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("forbidden") == ["You must not say that.", "a?"]
        assert log == ["outer before", "outer after"]
        await play.say("fine")
        assert log[2:] == ["outer before", "inner", "outer after"]
        assert await results(play) == ["you: fine"]


async def test_e3_middleware_that_raises_is_a_failure_of_the_step(rehearse: Rehearsing) -> None:
    flow = asking("a")

    @flow.middleware
    async def broken(turn: Turn[Only, None], call_next: Callable[[], Awaitable[Directive]]) -> Directive:
        raise RuntimeError("not today")

    @flow.on_error
    async def wrong(turn: Turn[Only, None], error: Failure) -> Directive:
        turn.say(f"{error.step}: {error.message}")
        return turn.cancel()

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("hello") == ["ask: RuntimeError: not today"]


# --- failing hooks ----------------------------------------------------------------------------------------------------

HOOKS = ["on_enter", "on_exit", "on_complete", "on_step_enter", "on_step_leave"]


@pytest.mark.parametrize("sort", HOOKS)
@pytest.mark.parametrize("ending", ["answer", "/cancel"])
async def test_e3_a_failing_hook_is_reported_and_changes_nothing(
    rehearse: Rehearsing, caplog: pytest.LogCaptureFixture, sort: str, ending: str
) -> None:
    log: list[str] = []
    flow = Flow("careful", steps=Only, data=Guest)

    @flow.step(Only.ASK, ask="?")
    async def ask(turn: Turn[Only, Guest], answer: str) -> Directive:
        return turn.complete(turn.data.name)

    async def broken(turn: Turn[Only, Guest]) -> None:
        turn.data.name = "half done"
        turn.say("half said")
        raise RuntimeError("hook is broken")

    async def sound(turn: Turn[Only, Guest]) -> None:
        log.append(sort)

    register = getattr(flow, sort)
    register(broken)
    register(sound)
    async with rehearse(flow) as play:
        assert await play.say("/start") == ["?"]
        await play.restart()
        await play.say(ending)
        (run,) = await play.runs()
        assert run.status == ("completed" if ending == "answer" else "cancelled")
        assert "half said" not in play.person.texts
        assert await results(play) == ["" if ending == "answer" else None]
        skipped = sort == "on_complete" and ending == "/cancel"
        assert log == ([] if skipped else [sort]), "the hooks beside it run all the same"
        reported = [record.getMessage() for record in caplog.records if "hook is broken" in record.getMessage()]
        assert len(reported) == (0 if skipped else 1)


async def test_e3_an_on_error_that_fails_itself_lets_the_run_fail_with_the_first_failure_told(
    rehearse: Rehearsing,
) -> None:
    flow = asking("a")

    @flow.middleware
    async def broken(turn: Turn[Only, None], call_next: Callable[[], Awaitable[Directive]]) -> Directive:
        raise RuntimeError("first")

    @flow.on_error
    async def worse(turn: Turn[Only, None], error: Failure) -> Directive:
        raise RuntimeError("second")

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("hello") == [SORRY]
        (run,) = await play.runs()
        assert run.status == "failed"
        assert await play.say("/start") == ["a?"], "nothing is stranded"


async def test_e3_an_on_timeout_that_fails_follows_the_failure_rules(rehearse: Rehearsing) -> None:
    flow = Flow("late", steps=Only)

    @flow.step(Only.ASK, ask="?", timeout=minutes(1))
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete()

    @flow.on_timeout
    async def late(turn: Turn[Only, None]) -> Directive:
        raise RuntimeError("too late")

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.clock(minutes=1) == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert ending.error.code == "exception"


async def test_e3_hooks_get_resources_by_their_type(rehearse: Rehearsing) -> None:
    class Database:
        name = "the database"

    flow = asking("a")

    @flow.on_enter
    async def welcome(turn: Turn[Only, None], database: Database) -> None:
        turn.say(Message(f"Welcome to {database.name}."))

    async with rehearse(flow, resources=[Database()]) as play:
        assert await play.say("/start") == ["Welcome to the database.", "a?"]
