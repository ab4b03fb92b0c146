"""Registration: three questions with typed answers, a way back, and a question that is asked again after a day."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from turnflow import Directive, Flow, Message, Meta, Registry, Turn, command, hours, pattern


class Step(StrEnum):
    NAME = "name"
    AGE = "age"
    CONFIRM = "confirm"


@dataclass
class Signup:
    name: str = ""
    age: int = 0


signup = Flow("signup", steps=Step, data=Signup, version=1, title="Register")
SignupTurn = Turn[Step, Signup]


@signup.step(Step.NAME, ask="What is your name?", to=[Step.AGE])
async def name(turn: SignupTurn, answer: str) -> Directive:
    turn.data.name = answer
    return turn.next(Step.AGE)


@signup.step(
    Step.AGE,
    ask="How old are you?",
    retry="A number from 1 to 130, please.",
    timeout=hours(24),
    on_timeout=Step.NAME,
    to=[Step.CONFIRM],
)
async def age(turn: SignupTurn, answer: Annotated[int, Meta(ge=1, le=130)]) -> Directive:
    turn.data.age = answer
    return turn.next(Step.CONFIRM)


def summary(turn: SignupTurn) -> Message:
    return Message(f"{turn.data.name}, {turn.data.age} years old. Is that right?", buttons=[["yes", "no", "back"]])


@signup.step(Step.CONFIRM, ask=summary)
async def confirm(turn: SignupTurn, answer: Literal["yes", "no", "back"]) -> Directive:
    match answer:
        case "yes":
            turn.say(f"Welcome, {turn.data.name}!")
            return turn.complete(turn.data)
        case "no":
            return turn.cancel()
        case "back":
            return turn.back()


registry = Registry()
registry.register(signup, on=[command("start"), pattern(r"sign me up")])
