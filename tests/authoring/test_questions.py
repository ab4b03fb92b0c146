"""Questions and answers: what a step asks, what it takes, and what is said when it cannot take something."""

from __future__ import annotations

import asyncio
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal

import pytest

from tests.authoring.calling import Caller, labels, press, said, text
from turnflow import answers
from turnflow.authoring import Flow, Retry, Turn, any_text, command, media, minutes, pattern, seconds
from turnflow.core import definition
from turnflow.core.definition import Accepts, Output, Question, Timeout
from turnflow.core.directives import Directive, Refuse, Stay
from turnflow.core.ids import StepName
from turnflow.core.messages import Button, Message
from turnflow.errors import UserCodeError


class Step(StrEnum):
    ASK = "ask"
    LATER = "later"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


AnyTurn = Turn[Step, None]


def asking(annotation: Any, **options: Any) -> Flow[Step, None]:
    """Return a flow with one question, whose handler completes with what it got."""
    flow = Flow("f", steps=Step)

    async def handler(turn: AnyTurn, answer: Any) -> Directive:
        return turn.complete(repr(answer))

    handler.__annotations__ = {"turn": AnyTurn, "answer": annotation}
    flow.step(Step.ASK, **options)(handler)

    @flow.step(Step.LATER)
    async def later(turn: AnyTurn) -> Directive:
        return turn.complete()

    return flow


def question(flow: Flow[Any, Any]) -> Question:
    found = flow.build().definition.steps[StepName("ask")].question
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("annotation", "rows"),
    [
        (Literal["yes", "no"], [["yes", "no"]]),
        (Colour, [["red", "blue"]]),
        (bool, [["Yes", "No"]]),
        (Literal["a long first answer", "a long second answer"], [["a long first answer"], ["a long second answer"]]),
        (str, []),
        (int, []),
    ],
)
def test_a_closed_set_of_answers_gets_its_buttons(annotation: Any, rows: list[list[str]]) -> None:
    message = question(asking(annotation, ask="Which?")).message
    assert message is not None
    assert labels(message.buttons) == rows


def test_a_question_with_its_own_buttons_keeps_them() -> None:
    message = question(asking(bool, ask=Message("Sure?", buttons=[["yes", "certainly not"]]))).message
    assert message is not None
    assert labels(message.buttons) == [["yes", "certainly not"]]


async def test_a_computed_question_gets_buttons_too() -> None:
    answer = await Caller(asking(bool, ask=lambda turn: "Sure?")).run("ask", "ask")
    assert answer.directive == Stay()
    assert labels(answer.says[0].buttons) == [["Yes", "No"]]


async def test_a_question_may_be_computed_with_await() -> None:
    async def ask(turn: AnyTurn) -> str:
        await asyncio.sleep(0)
        return f"Step {turn.run.step}?"

    assert said(await Caller(asking(str, ask=ask)).run("ask", "ask")) == ["Step ask?"]


async def test_a_question_that_is_no_message_is_a_clear_error() -> None:
    with pytest.raises(UserCodeError, match="cannot be said"):
        await Caller(asking(str, ask=lambda turn: None)).run("ask", "ask")


def test_a_question_with_buttons_takes_presses_whatever_its_answer_is() -> None:
    assert question(asking(int, ask=Message("How many?", buttons=["1", "2"]))).wait.accepts.kinds == ("text", "press")
    assert question(asking(int, ask=lambda turn: "?")).wait.accepts.kinds == ("text", "press")
    assert question(asking(int, ask="How many?")).wait.accepts.kinds == ("text",)


async def test_a_press_answers_by_its_value() -> None:
    run = Caller(asking(int, ask=Message("How many?", buttons=[[Button("one", value="1")]])))
    directive: Any = (await run.run("input", "ask", press("1"))).directive
    assert bytes(directive.result) == b'"1"'


async def test_an_answer_kind_in_the_annotation_normalises() -> None:
    run = Caller(asking(Annotated[str, answers.email()], ask="E-mail?"))
    assert isinstance((await run.run("input", "ask", "nobody")).directive, Refuse)
    directive: Any = (await run.run("input", "ask", " Ada@Example.com ")).directive
    assert b"example.com" in bytes(directive.result)


async def test_accepts_beside_an_annotation_checks_as_well() -> None:
    run = Caller(asking(int, ask="?", accepts=answers.number(1, 5)))
    assert isinstance((await run.run("input", "ask", "6")).directive, Refuse)
    assert not isinstance((await run.run("input", "ask", "5")).directive, Refuse)


async def test_a_question_without_an_answer_parameter_takes_anything() -> None:
    flow = Flow("f", steps=Step)

    @flow.step(Step.ASK, ask="?")
    @flow.step(Step.LATER, ask="?", accepts=answers.email())
    async def handler(turn: AnyTurn) -> Directive:
        assert turn.input is not None
        return turn.complete(turn.input.text)

    run = Caller(flow)
    assert question(flow).wait.accepts == answers.any_input()
    assert not isinstance((await run.run("input", "ask", "hi")).directive, Refuse)
    assert isinstance((await run.run("input", "later", "hi")).directive, Refuse)


@pytest.mark.parametrize(
    ("wanted", "accepts"),
    [
        (command("help"), answers.command("help")),
        (pattern("a+"), answers.text(pattern="a+")),
        (media("photo"), Accepts(("photo",))),
        (any_text(), answers.text()),
        (answers.photo(), answers.photo()),
    ],
)
def test_triggers_words_say_what_a_step_accepts(wanted: Any, accepts: Accepts) -> None:
    flow = Flow("f", steps=Step)

    @flow.step(Step.ASK, ask="?", accepts=wanted)
    @flow.step(Step.LATER)
    async def handler(turn: AnyTurn) -> Directive:
        return turn.complete()

    assert question(flow).wait.accepts == accepts


async def test_the_retry_reply_may_come_from_a_handler_that_knows_the_reason() -> None:
    flow = asking(int, ask="?", retry=lambda turn, reason: f"Hm: {reason}")
    wait = question(flow).wait
    assert (wait.retry, wait.retry_handler) == (None, True)
    assert said(await Caller(flow).run("retry", "ask", "x", reason="no number")) == ["Hm: no number"]


async def test_the_reply_to_other_input_may_come_from_a_handler() -> None:
    flow = asking(int, ask="?", otherwise=lambda turn: f"No {turn.input.kind}.")
    wait = question(flow).wait
    assert (wait.otherwise, wait.otherwise_handler) == (None, True)
    assert said(await Caller(flow).run("otherwise", "ask", "x")) == ["No text."]


async def test_a_timeout_may_be_answered_by_a_handler() -> None:
    async def late(turn: AnyTurn) -> Directive:
        return turn.cancel("too late")

    flow = asking(int, ask="?", timeout=minutes(1), on_timeout=late)
    assert question(flow).wait.on_timeout == Timeout(then="handler")
    assert (await Caller(flow).run("timeout", "ask")).directive.__class__.__name__ == "Cancel"


@pytest.mark.parametrize("then", ["cancel", "fail"])
def test_a_timeout_may_end_the_run(then: Any) -> None:
    wait = question(asking(int, ask="?", timeout=minutes(1), on_timeout=then)).wait
    assert wait.on_timeout == Timeout(then=then)


def test_options_of_a_step_reach_the_definition() -> None:
    flow = asking(
        int, ask="?", attempts=3, on_exhausted=Step.LATER, who=["role:operator"], gather=seconds(1), to=[Step.LATER],
        on_error={"no_stock": Step.LATER, "*": Step.ASK}, retries=Retry(count=2, delay=seconds(3), on=["exception"]),
        handler_timeout=seconds(30), attempt_timeout=seconds(10), title="The question",
    )  # fmt: skip
    step = flow.build().definition.steps[StepName("ask")]
    wait = question(flow).wait
    assert (wait.attempts, wait.on_exhausted, wait.who, wait.gather) == (3, "later", ("role:operator",), 1000)
    assert step.outputs == (
        Output(StepName("later"), error=("no_stock",)),
        Output(StepName("ask"), error=("*",)),
        Output(StepName("later")),
    )
    assert step.declared
    assert step.title == "The question"
    assert step.settings == definition.Settings(30_000, 10_000, definition.Retry(2, 3000, on=("exception",)))


def test_an_error_step_alone_catches_everything() -> None:
    step = asking(int, ask="?", on_error=Step.LATER).build().definition.steps[StepName("ask")]
    assert step.outputs == (Output(StepName("later"), error=("*",)),)
    assert not step.declared


# --- the two-phase form ---------------------------------------------------------------------------------------------


def two_phases() -> Flow[Step, None]:
    flow = Flow("f", steps=Step)

    @flow.step(Step.ASK)
    async def ask(turn: AnyTurn, answer: str | None) -> Directive:
        if turn.input is None:
            turn.say("E-mail?")
            return turn.wait("email", accepts=answers.email())
        return turn.complete(answer)

    @flow.step(Step.LATER)
    async def later(turn: AnyTurn) -> Directive:
        if turn.input is None:
            return turn.wait("text", accepts=answers.number(1, 5))
        return turn.complete(turn.input.text)

    return flow


async def test_a_handler_is_entered_without_input_and_called_again_with_it() -> None:
    run = Caller(two_phases())
    entered: Any = await run.run("enter", "ask")
    assert said(entered) == ["E-mail?"]
    answered: Any = await run.run("input", "ask", text("Ada@example.COM"), spec=entered.directive.spec)
    assert bytes(answered.directive.result) == b'"Ada@example.com"'


async def test_an_answer_to_a_handlers_own_wait_is_refused_if_it_does_not_parse() -> None:
    run = Caller(two_phases())
    for step, bad in (("ask", "nobody"), ("later", "6")):
        entered: Any = await run.run("enter", step)
        refused = await run.run("input", step, bad, spec=entered.directive.spec)
        assert isinstance(refused.directive, Refuse)


def test_whether_an_answer_fits_is_told_for_choosing_a_branch() -> None:
    handlers = two_phases().build()
    wait = definition.WaitSpec(accepts=answers.email())
    assert handlers.fits(StepName("ask"), wait, text("ada@example.com"))
    assert not handlers.fits(StepName("ask"), wait, text("nobody"))
    typed = asking(int, ask="?")
    own = question(typed).wait
    assert typed.build().fits(StepName("ask"), own, text("3"))
    assert not typed.build().fits(StepName("ask"), own, text("x"))
