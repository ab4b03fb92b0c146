"""The example of the design, word for word, called phase by phase."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from tests.authoring.calling import Caller, labels, plain, press, said
from turnflow.authoring import Flow, Turn, hours
from turnflow.core.definition import Timeout
from turnflow.core.directives import Back, Cancel, Complete, Directive, Next, Refuse, Stay
from turnflow.core.ids import StepName
from turnflow.core.messages import Message


class Step(StrEnum):
    NAME = "name"
    AGE = "age"
    CONFIRM = "confirm"


class Signup(msgspec.Struct):
    name: str = ""
    age: int = 0


signup = Flow("signup", steps=Step, data=Signup, version=1)
SignupTurn = Turn[Step, Signup]


@signup.step(Step.NAME, ask="What is your name?")
async def name(turn: SignupTurn, answer: str) -> Directive:
    turn.data.name = answer
    return turn.next(Step.AGE)


@signup.step(
    Step.AGE,
    ask="How old are you?",
    retry="A number from 1 to 130, please.",
    timeout=hours(24),
    on_timeout=Step.NAME,
)
async def age(turn: SignupTurn, answer: Annotated[int, Meta(ge=1, le=130)]) -> Directive:
    turn.data.age = answer
    return turn.next(Step.CONFIRM)


@signup.step(
    Step.CONFIRM,
    ask=lambda turn: Message(f"{turn.data.name}, {turn.data.age}?", buttons=[["yes", "no", "back"]]),
)
async def confirm(turn: SignupTurn, answer: Literal["yes", "no", "back"]) -> Directive:
    match answer:
        case "yes":
            return turn.complete(turn.data)
        case "no":
            return turn.cancel()
        case "back":
            return turn.back()


@pytest.fixture
def run() -> Caller:
    return Caller(signup)


def test_a_static_question_is_part_of_the_definition() -> None:
    question = signup.build().definition.steps[StepName("name")].question
    assert question is not None
    assert question.message == Message("What is your name?")
    assert question.wait.accepts.kinds == ("text",)


def test_the_options_of_a_question_reach_the_definition_in_milliseconds() -> None:
    question = signup.build().definition.steps[StepName("age")].question
    assert question is not None
    assert question.wait.timeout == 24 * 3600 * 1000
    assert question.wait.on_timeout == Timeout(StepName("name"), "step")
    assert question.wait.retry == Message("A number from 1 to 130, please.")


async def test_an_answer_is_parsed_by_the_annotation_and_changes_only_its_field(run: Caller) -> None:
    answer = await run.run("input", "age", "42")
    assert answer.directive == Next(StepName("confirm"))
    assert plain(answer.patch) == {"age": 42}


@pytest.mark.parametrize("bad", ["lots", "0", "131", "4.5"])
async def test_an_answer_that_does_not_parse_is_refused_before_anything_changes(run: Caller, bad: str) -> None:
    answer = await run.run("input", "age", bad)
    assert isinstance(answer.directive, Refuse)
    assert answer.directive.reason
    assert answer.patch == {}


async def test_a_computed_question_shows_the_data(run: Caller) -> None:
    await run.run("input", "name", "Ada")
    await run.run("input", "age", "36")
    answer = await run.run("ask", "confirm")
    assert answer.directive == Stay()
    assert said(answer) == ["Ada, 36?"]
    assert labels(answer.says[0].buttons) == [["yes", "no", "back"]]


async def test_the_result_of_a_run_is_its_data(run: Caller) -> None:
    await run.run("input", "name", "Ada")
    done = (await run.run("input", "confirm", press("yes"))).directive
    assert isinstance(done, Complete)
    assert done.result is not None
    assert msgspec.json.decode(done.result) == {"name": "Ada", "age": 0}


async def test_each_option_of_a_literal_is_an_answer(run: Caller) -> None:
    assert (await run.run("input", "confirm", press("no"))).directive == Cancel()
    assert (await run.run("input", "confirm", "back")).directive == Back()
    assert isinstance((await run.run("input", "confirm", "perhaps")).directive, Refuse)
