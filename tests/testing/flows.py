"""A small flow for tests of the kit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from turnflow import Directive, Flow, Message, Meta, Turn, hours


class Step(StrEnum):
    NAME = "name"
    AGE = "age"
    SURE = "sure"


@dataclass
class Person:
    name: str = ""
    age: int = 0


greeting = Flow("greeting", steps=Step, data=Person)
GreetingTurn = Turn[Step, Person]


@greeting.step(Step.NAME, ask="Name?")
async def name(turn: GreetingTurn, answer: str) -> Directive:
    turn.data.name = answer
    if answer == "help":
        return turn.escalate("needs help")
    if answer == "fail":
        return turn.fail("no_name", "that is no name")
    return turn.next(Step.AGE)


@greeting.step(Step.AGE, ask="Age?", timeout=hours(1), on_timeout=Step.NAME)
async def age(turn: GreetingTurn, answer: Annotated[int, Meta(ge=1)]) -> Directive:
    turn.data.age = answer
    return turn.next(Step.SURE)


@greeting.step(Step.SURE, ask=lambda turn: Message(f"{turn.data.name},\n{turn.data.age}?"))
async def sure(turn: GreetingTurn, answer: Literal["yes", "no"]) -> Directive:
    return turn.complete(turn.data) if answer == "yes" else turn.back()
