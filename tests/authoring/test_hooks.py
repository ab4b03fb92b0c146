"""Hooks, middleware, error and timeout handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec
import pytest

from tests.authoring.calling import Caller, plain, said
from turnflow.authoring import Flow, Turn
from turnflow.core.directives import Cancel, Directive, Goto, Refuse, Repeat, Stay
from turnflow.core.ids import StepName
from turnflow.core.state import Failure
from turnflow.errors import UserCodeError


class Step(StrEnum):
    ONLY = "only"


class Data(msgspec.Struct):
    log: list[str] = []


AnyTurn = Turn[Step, Data]
CallNext = Callable[[], Awaitable[Directive]]


def flow_with_a_step() -> Flow[Step, Data]:
    flow = Flow("f", steps=Step, data=Data)

    @flow.step(Step.ONLY, ask="How many?")
    async def only(turn: AnyTurn, answer: int) -> Directive:
        turn.data.log.append("handler")
        return turn.complete()

    return flow


async def test_every_sort_of_hook_runs_and_may_speak_and_change_data() -> None:
    flow = flow_with_a_step()

    @flow.on_enter
    async def entered(turn: AnyTurn) -> None:
        turn.say("Welcome.")
        turn.data.log.append("enter")

    @flow.on_step_enter
    async def step_entered(turn: AnyTurn) -> None:
        turn.data.log.append(f"into {turn.step}")

    @flow.on_step_leave
    async def step_left(turn: AnyTurn) -> None:
        turn.data.log.append(f"out of {turn.step}")

    @flow.on_exit
    async def left(turn: AnyTurn, outcome: str) -> None:
        assert outcome == turn.outcome
        turn.data.log.append(outcome)

    run = Caller(flow)
    assert run.handlers.definition.hooks == ("flow_enter", "flow_exit", "step_enter", "step_leave")
    answer = await run.run("hook", "only", hook="flow_enter")
    assert (answer.directive, said(answer)) == (Stay(), ["Welcome."])
    await run.run("hook", "only", hook="step_enter")
    await run.run("hook", "only", hook="step_leave")
    await run.run("hook", "only", hook="flow_exit", outcome="failed")
    assert run.data == {"log": ["enter", "into only", "out of only", "failed"]}


async def test_completion_hooks_run_before_exit_hooks_and_only_on_completion() -> None:
    flow = flow_with_a_step()

    @flow.on_exit
    async def left(turn: AnyTurn) -> None:
        turn.data.log.append("exit")

    @flow.on_complete
    async def completed(turn: AnyTurn) -> None:
        turn.data.log.append("complete")

    assert flow.build().definition.hooks == ("flow_exit",)
    run = Caller(flow)
    await run.run("hook", "only", hook="flow_exit", outcome="cancelled")
    await run.run("hook", "only", hook="flow_exit", outcome="completed")
    assert run.data == {"log": ["exit", "complete", "exit"]}


async def test_each_hook_sees_what_the_one_before_it_left() -> None:
    flow = flow_with_a_step()
    for number in range(3):

        @flow.on_enter
        async def entered(turn: AnyTurn, number: int = number) -> None:
            turn.data.log.append(f"{len(turn.data.log)}")
            turn.scene["hooks"] = str(len(turn.scene)) + str(turn.scene.get("hooks"))

    run = Caller(flow)
    answer = await run.run("hook", "only", hook="flow_enter", scene={})
    assert plain(answer.patch) == {"log": ["0", "1", "2"]}
    assert answer.scene is not None
    assert bytes(answer.scene) == b'{"hooks":"110None"}'


async def test_a_failing_hook_is_reported_and_the_others_still_run() -> None:
    flow = flow_with_a_step()

    @flow.on_enter
    async def broken(turn: AnyTurn) -> None:
        turn.say("never said")
        turn.data.log.append("never kept")
        raise RuntimeError("oh no")

    @flow.on_enter
    async def with_a_code(turn: AnyTurn) -> None:
        raise UserCodeError("no_stock", "none left")

    @flow.on_enter
    async def sound(turn: AnyTurn) -> None:
        turn.say("Welcome.")

    run = Caller(flow)
    answer = await run.run("hook", "only", hook="flow_enter")
    assert (said(answer), answer.patch) == (["Welcome."], {})
    assert [failure.code for failure in run.services.reported] == ["exception", "no_stock"]
    assert "broken failed: RuntimeError: oh no" in run.services.reported[0].message
    assert run.services.reported[0].step == "only"


async def test_middleware_wraps_handlers_outermost_first() -> None:
    flow = flow_with_a_step()

    @flow.middleware
    async def outer(turn: AnyTurn, call_next: CallNext) -> Directive:
        turn.data.log.append("outer in")
        directive = await call_next()
        turn.data.log.append("outer out")
        return directive

    @flow.middleware
    async def inner(turn: AnyTurn, call_next: CallNext) -> Directive:
        turn.data.log.append("inner in")
        return await call_next()

    run = Caller(flow)
    await run.run("input", "only", "3")
    assert run.data == {"log": ["outer in", "inner in", "handler", "outer out"]}


async def test_middleware_may_answer_instead_of_the_handler() -> None:
    flow = flow_with_a_step()

    @flow.middleware
    async def closed(turn: AnyTurn, call_next: CallNext) -> Directive:
        return turn.cancel("closed")

    run = Caller(flow)
    assert (await run.run("input", "only", "3")).directive == Cancel("closed")
    assert run.data == {"log": []}


async def test_a_refused_answer_never_reaches_middleware() -> None:
    flow = flow_with_a_step()

    @flow.middleware
    async def broken(turn: AnyTurn, call_next: CallNext) -> Directive:
        raise AssertionError

    assert isinstance((await Caller(flow).run("input", "only", "x")).directive, Refuse)


async def test_middleware_that_forgets_to_return_is_a_clear_error() -> None:
    flow = flow_with_a_step()

    @flow.middleware  # type: ignore[arg-type]  # because the mistake is the test
    async def forgetful(turn: AnyTurn, call_next: CallNext) -> None:
        await call_next()

    with pytest.raises(UserCodeError, match="return a directive"):
        await Caller(flow).run("input", "only", "3")


async def test_the_flows_error_handler_answers_a_failure() -> None:
    flow = flow_with_a_step()

    @flow.on_error
    async def failed(turn: AnyTurn, error: Failure) -> Directive:
        turn.say(error.message)
        return turn.repeat() if error.code == "flaky" else turn.goto(Step.ONLY)

    run = Caller(flow)
    assert run.handlers.definition.hooks == ("error",)
    again = await run.run("error", "only", error=Failure("flaky", "Again."))
    assert (again.directive, said(again)) == (Repeat(), ["Again."])
    assert (await run.run("error", "only", error=Failure("other"))).directive == Goto(StepName("only"))


async def test_the_flows_timeout_handler_answers_waits_that_say_nothing_themselves() -> None:
    flow = flow_with_a_step()

    @flow.on_timeout
    async def late(turn: AnyTurn, label: str) -> Directive:
        return turn.cancel(label)

    run = Caller(flow)
    assert run.handlers.definition.hooks == ("timeout",)
    question = run.handlers.definition.steps[StepName("only")].question
    assert question is not None
    assert question.wait.on_timeout.then == "handler"
    assert (await run.run("timeout", "only", label="the wait")).directive == Cancel("the wait")


async def test_code_that_a_deploy_took_away_is_a_clear_error() -> None:
    with pytest.raises(UserCodeError, match="'gone' has no code for 'enter'"):
        await Caller(flow_with_a_step()).run("enter", "gone")
