"""Semantics F1-F3: attempts, retries, error outputs, time limits, and `on_error`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Only
from tests.semantics.playing import SORRY, results
from turnflow import Directive, Failure, Flow, Retry, Texts, Turn, minutes, seconds
from turnflow.errors import InvalidFlow, UserCodeError
from turnflow.ports import Handled, Unclaimed


class Step(StrEnum):
    ASK = "ask"
    WORK = "work"
    NEXT = "next"
    PLAN_B = "plan_b"


class Setup(NamedTuple):
    """How the step WORK is to be executed."""

    retries: Retry | None = None
    on_error: Step | Mapping[str, Step] | None = None
    continue_on_error: bool | None = None
    to: tuple[Step, ...] | None = None


PLAIN = Setup()


def working(work: Callable[[Turn[Step, None]], None], setup: Setup = PLAIN) -> Flow[Step, None]:
    """Asks, then does some work that may fail, then says how it went."""
    flow = Flow("working", steps=Step)

    @flow.step(Step.ASK, ask="Go?")
    async def ask(turn: Turn[Step, None], answer: str) -> Directive:
        return turn.next(Step.WORK)

    @flow.step(
        Step.WORK,
        retries=setup.retries,
        on_error=setup.on_error,
        continue_on_error=setup.continue_on_error,
        to=setup.to,
    )
    async def do(turn: Turn[Step, None]) -> Directive:
        work(turn)
        return turn.next(Step.NEXT)

    @flow.step(Step.NEXT)
    async def after(turn: Turn[Step, None]) -> Directive:
        return turn.complete("done")

    @flow.step(Step.PLAN_B)
    async def plan_b(turn: Turn[Step, None]) -> Directive:
        return turn.complete("plan b")

    return flow


def failing(code: str, times: int = 100, calls: list[int] | None = None) -> Callable[[Turn[Step, None]], None]:
    """Work that fails so many times."""
    left = [times]

    def work(turn: Turn[Step, None]) -> None:
        if calls is not None:
            calls.append(turn.attempt)
        left[0] -= 1
        if left[0] >= 0:
            raise UserCodeError(code, "no luck")

    return work


# --- F1 ---------------------------------------------------------------------------------------------------------------


async def test_f1_by_default_a_failing_step_ends_the_flow_at_once(rehearse: Rehearsing) -> None:
    calls: list[int] = []
    async with rehearse(working(failing("no_luck", calls=calls), Setup(to=(Step.NEXT,)))) as play:
        await play.say("/start")
        assert await play.say("go") == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert (ending.error.code, ending.error.step, ending.error.attempt) == ("no_luck", "work", 1)
        assert "no luck" in ending.error.message
        assert calls == [1]


async def test_f1_retries_come_after_growing_delays_with_a_count_of_attempts_also_over_restarts(
    rehearse: Rehearsing,
) -> None:
    calls: list[int] = []
    retries = Retry(count=3, delay=seconds(10), factor=3, max_delay=minutes(5))
    async with rehearse(working(failing("no_luck", 3, calls), Setup(retries))) as play:
        await play.say("/start")
        assert await play.say("go") == []
        for pause in (10, 30, 90):
            await play.restart()
            before = len(calls)
            await play.clock(seconds=pause - 1)
            assert len(calls) == before
            await play.clock(seconds=1)
            assert len(calls) == before + 1
        assert calls == [1, 2, 3, 4]
        assert await results(play) == ["done"]


async def test_f1_when_all_attempts_failed_the_run_fails_saying_how_many_there_were(rehearse: Rehearsing) -> None:
    async with rehearse(working(failing("no_luck"), Setup(Retry(count=2, delay=seconds(1))))) as play:
        await play.say("/start")
        await play.say("go")
        assert await play.clock(minutes=1) == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert (ending.error.code, ending.error.attempt) == ("no_luck", 3)


async def test_f1_only_the_errors_named_are_retried(rehearse: Rehearsing) -> None:
    calls: list[int] = []
    retries = Retry(count=5, delay=seconds(0), on=("busy",))
    async with rehearse(working(failing("no_luck", calls=calls), Setup(retries))) as play:
        await play.say("/start")
        await play.say("go")
        assert calls == [1]


async def test_f1_retries_stop_when_their_time_is_over(rehearse: Rehearsing) -> None:
    calls: list[int] = []
    retries = Retry(count=100, delay=minutes(1), factor=1, within=minutes(3))
    async with rehearse(working(failing("no_luck", calls=calls), Setup(retries))) as play:
        await play.say("/start")
        await play.say("go")
        await play.clock(hours=1)
        assert calls == [1, 2, 3, 4]
        assert [ending.outcome for ending in await play.endings()] == ["failed"]


async def test_f1_no_delay_is_longer_than_the_most_named(rehearse: Rehearsing) -> None:
    retries = Retry(count=10, delay=seconds(1), factor=10, max_delay=seconds(20))
    calls: list[int] = []
    async with rehearse(working(failing("no_luck", calls=calls), Setup(retries))) as play:
        await play.say("/start")
        await play.say("go")
        await play.clock(seconds=1 + 10 + 20 + 20)
        assert len(calls) == 5


@pytest.mark.parametrize(
    ("code", "result"),
    [("gone", "plan b"), ("busy", "done"), ("other", None)],
)
async def test_f1_the_first_matching_error_output_is_taken_once_the_retries_are_used_up(
    rehearse: Rehearsing, code: str, result: str | None
) -> None:
    calls: list[int] = []
    setup = Setup(Retry(count=1, delay=seconds(0)), {"gone": Step.PLAN_B, "busy": Step.NEXT})
    async with rehearse(working(failing(code, calls=calls), setup)) as play:
        await play.say("/start")
        await play.say("go")
        assert calls == [1, 2]
        assert await results(play) == [result]


async def test_f1_an_error_output_for_any_error_comes_before_the_flow_s_on_error(rehearse: Rehearsing) -> None:
    flow = working(failing("no_luck"), Setup(on_error=Step.PLAN_B))

    @flow.on_error
    async def wrong(turn: Turn[Step, None], error: Failure) -> Directive:
        return turn.complete("on_error")

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("go")
        assert await results(play) == ["plan b"]


async def test_f1_with_continue_on_error_the_default_output_is_taken(rehearse: Rehearsing) -> None:
    async with rehearse(working(failing("no_luck"), Setup(continue_on_error=True, to=(Step.NEXT,)))) as play:
        await play.say("/start")
        await play.say("go")
        assert await results(play) == ["done"]


def test_f1_continue_on_error_false_beside_an_error_output_is_a_problem() -> None:
    with pytest.raises(InvalidFlow, match="continue_on_error"):
        working(failing("x"), Setup(on_error=Step.PLAN_B, continue_on_error=False)).build()


async def test_f1_when_one_branch_fails_its_siblings_are_cancelled_and_their_results_kept(rehearse: Rehearsing) -> None:
    flow = Flow("branches", steps=Step, start=Step.NEXT)

    @flow.step(Step.WORK, ask="Work?")
    async def work(turn: Turn[Step, None], answer: str) -> Directive:
        return turn.done("worked") if answer == "ok" else turn.fail("bad")

    @flow.step(Step.ASK, ask="Number?")
    async def ask(turn: Turn[Step, None], answer: int) -> Directive:
        return turn.done(answer) if answer else turn.fail("zero")

    @flow.step(Step.PLAN_B)
    async def end(turn: Turn[Step, None]) -> Directive:
        return turn.complete()

    flow.parallel(start=Step.NEXT, steps=[Step.WORK, Step.ASK], join=Step.PLAN_B)
    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("ok")
        await play.say("0")
        (run,) = await play.runs()
        assert run.status == "failed"
        assert {head: bytes(value) for head, value in run.results.items()} == {"work": b'"worked"'}
        assert (run.timers, run.groups) == ((), ())
        await play.say("7")
        assert isinstance(play.deliveries[0], Unclaimed)


# --- F2 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("whole", "attempt"), [(seconds(0.5), None), (None, seconds(0.5))])
async def test_f2_a_handler_over_its_time_is_ended_and_counts_as_a_failure_timeout(
    rehearse: Rehearsing, whole: timedelta | None, attempt: timedelta | None
) -> None:
    ended: list[str] = []
    flow = Flow("slow", steps=Step)

    @flow.step(Step.ASK, ask="Go?", on_error={"timeout": Step.PLAN_B}, handler_timeout=whole, attempt_timeout=attempt)
    async def slow(turn: Turn[Step, None], answer: str) -> Directive:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return turn.complete("too late")

    @flow.step(Step.PLAN_B)
    async def plan_b(turn: Turn[Step, None]) -> Directive:
        return turn.complete("plan b")

    for step in (Step.WORK, Step.NEXT):

        @flow.step(step)
        async def unused(turn: Turn[Step, None]) -> Directive:
            return turn.complete()

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("go")
        assert ended == ["cancelled"]
        assert await results(play) == ["plan b"]


async def test_f2_the_limit_of_an_attempt_holds_for_each_one(rehearse: Rehearsing) -> None:
    attempts: list[int] = []
    flow = Flow("slow", steps=Only)

    @flow.step(Only.ASK, ask="Go?", attempt_timeout=seconds(0.5), retries=Retry(count=1, delay=seconds(0)))
    async def slow(turn: Turn[Only, None], answer: str) -> Directive:
        attempts.append(turn.attempt)
        await asyncio.sleep(60 if turn.attempt == 1 else 0)
        return turn.complete(f"attempt {turn.attempt}")

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("go")
        assert isinstance(play.deliveries[0], Handled)
        assert await results(play) == ["attempt 2"]


async def test_f2_a_late_answer_changes_nothing(rehearse: Rehearsing) -> None:
    flow = Flow("stubborn", steps=Only)

    @flow.step(Only.ASK, ask="Go?", attempt_timeout=seconds(0.5))
    async def stubborn(turn: Turn[Only, None], answer: str) -> Directive:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            turn.say("I am done after all.")
        return turn.complete("late")

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("go") == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert ending.error.code == "timeout"


# --- F3 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said", "result"),
    [
        ("repeat", [], "done"),
        ("goto", [], "plan b"),
        ("cancel", ["Cancelled."], None),
        ("complete", [], "saved"),
        ("fail", [SORRY], None),
        ("escalate", ["I am asking a colleague. Please wait a moment."], None),
    ],
)
async def test_f3_on_error_answers_with_a_directive(
    rehearse: Rehearsing, answer: str, said: list[str], result: str | None
) -> None:
    flow = working(failing("no_luck", 1))

    @flow.on_error
    async def wrong(turn: Turn[Step, None], error: Failure) -> Directive:
        assert (error.code, error.step, turn.step, turn.error) == ("no_luck", "work", Step.WORK, error)
        choices: dict[str, Directive] = {
            "repeat": turn.repeat(),
            "goto": turn.goto(Step.PLAN_B),
            "cancel": turn.cancel(),
            "complete": turn.complete("saved"),
            "fail": turn.fail("given_up"),
            "escalate": turn.escalate("failed"),
        }
        return choices[answer]

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("go") == said
        if answer == "escalate":
            assert [run.status for run in await play.runs()] == ["waiting"]
            return
        assert await results(play) == [result]
        (ending,) = await play.endings()
        if answer == "fail":
            assert ending.error is not None
            assert (ending.error.code, ending.error.message) == ("given_up", "UserCodeError: no luck")


async def test_f3_on_error_that_repeats_for_ever_ends_by_the_loop_guard(rehearse: Rehearsing) -> None:
    flow = working(failing("no_luck", 10**9))

    @flow.on_error
    async def again(turn: Turn[Step, None], error: Failure) -> Directive:
        return turn.repeat()

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("go") == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert ending.error.code == "loop_guard"


async def test_f7_the_person_is_told_in_words_that_can_be_configured(rehearse: Rehearsing) -> None:
    async with rehearse(working(failing("no_luck")), texts=Texts(failed="Oops. Call us at 123.")) as play:
        await play.say("/start")
        assert await play.say("go") == ["Oops. Call us at 123."]


async def test_f7_an_author_who_says_something_has_the_last_word(rehearse: Rehearsing) -> None:
    flow = working(failing("no_luck"))

    @flow.on_error
    async def wrong(turn: Turn[Step, None], error: Failure) -> Directive:
        turn.say("The shop is closed.")
        return turn.fail(error.code)

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("go") == ["The shop is closed."]


async def test_f2_the_time_of_a_step_bounds_all_its_attempts(rehearse: Rehearsing) -> None:
    calls: list[int] = []
    flow = Flow("bounded", steps=Only)

    @flow.step(Only.ASK, handler_timeout=minutes(5), retries=Retry(count=100, delay=minutes(1), factor=1))
    async def ask(turn: Turn[Only, None]) -> Directive:
        calls.append(turn.attempt)
        raise UserCodeError("busy", "try later")

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.clock(hours=1)
        assert calls == [1, 2, 3, 4, 5, 6]
        assert [ending.outcome for ending in await play.endings()] == ["failed"]


async def test_f3_after_an_escalated_failure_the_operator_lets_the_failed_step_run_again(rehearse: Rehearsing) -> None:
    flow = working(failing("no_luck", 1))

    @flow.on_error
    async def wrong(turn: Turn[Step, None], error: Failure) -> Directive:
        return turn.escalate(f"{error.code} in {error.step}")

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("go")
        assert "no_luck in work" in play.operator.replies[0]
        await play.operator.answer("Repaired.")
        assert await results(play) == ["done"]
