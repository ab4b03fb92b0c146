"""The flow of the benchmarks: five steps (name, age, city, confirm, done) and about 1 KB of data."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from turnflow import Directive, Flow, Meta, Registry, Turn, command
from turnflow.core.ids import ConversationId
from turnflow.core.inputs import typed
from turnflow.ports import Inbound, Outbound

NOTES = "n" * 900


class Step(StrEnum):
    NAME = "name"
    AGE = "age"
    CITY = "city"
    CONFIRM = "confirm"
    DONE = "done"


class Person(msgspec.Struct):
    name: str = ""
    age: int = 0
    city: str = ""
    notes: str = NOTES


person = Flow("person", steps=Step, data=Person, version=1)
PersonTurn = Turn[Step, Person]


@person.step(Step.NAME, ask="What is your name?")
async def name(turn: PersonTurn, answer: str) -> Directive:
    turn.data.name = answer
    return turn.next(Step.AGE)


@person.step(Step.AGE, ask="How old are you?")
async def age(turn: PersonTurn, answer: Annotated[int, Meta(ge=1, le=130)]) -> Directive:
    turn.data.age = answer
    return turn.next(Step.CITY)


@person.step(Step.CITY, ask="Where do you live?")
async def city(turn: PersonTurn, answer: str) -> Directive:
    turn.data.city = answer
    return turn.next(Step.CONFIRM)


@person.step(Step.CONFIRM, ask="Is that right?")
async def confirm(turn: PersonTurn, answer: Literal["yes", "no"]) -> Directive:
    return turn.next(Step.DONE) if answer == "yes" else turn.back()


@person.step(Step.DONE)
async def done(turn: PersonTurn) -> Directive:
    turn.say(f"Thank you, {turn.data.name}.")
    return turn.complete({"name": turn.data.name})


LINES = ("/start", "Ada", "36", "London", "yes")


def make_registry() -> Registry:
    """Return a registry with the flow, started by /start."""
    registry = Registry()
    registry.register(person, on=[command("start")])
    return registry


def inbound(conversation: int, number: int, line: str) -> Inbound:
    """Return the n-th input of a conversation."""
    name = f"bench:{conversation:06d}"
    return Inbound(ConversationId(name), typed(line, id=f"{name}:{number}", sender=f"u{conversation}", at=0))


class Drain:
    """A channel that takes everything and keeps nothing."""

    prefix = "bench:"

    async def send(self, outbound: Outbound) -> str:
        return ""
