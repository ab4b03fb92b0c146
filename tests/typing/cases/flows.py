"""Lines of flow authors: right ones, and wrong ones marked with the error mypy must give."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from turnflow.answers import email, text
from turnflow.authoring import Flow, Retry, Turn, command, hours, minutes, seconds, where
from turnflow.core.directives import Directive
from turnflow.core.ids import Json
from turnflow.core.inputs import Input
from turnflow.core.messages import Button, Message
from turnflow.core.state import Failure


class Step(StrEnum):
    NAME = "name"
    AGE = "age"
    DONE = "done"


class Elsewhere(StrEnum):
    NAME = "name"


class Signup(msgspec.Struct):
    name: str = ""
    age: int = 0


class Address(msgspec.Struct):
    street: str = ""


class Database:
    async def save(self, name: str) -> None: ...


signup = Flow("signup", steps=Step, data=Signup)
address = Flow("address", steps=Elsewhere, data=Address)
bare = Flow("bare", steps=Elsewhere)
SignupTurn = Turn[Step, Signup]
AddressTurn = Turn[Elsewhere, Address]

Flow("wrong", steps=Step, data=Signup())  # E: call-overload
Flow("wrong", steps=Step, key="room")  # E: call-overload
Flow("right", steps=Step, start=Step.AGE, key="chat", on_repeat="restart", ttl=hours(2))


# --- handlers


@signup.step(Step.NAME, ask="What is your name?", accepts=text(max=40), retry=lambda turn, reason: f"Hm: {reason}")
async def name(turn: SignupTurn, answer: str) -> Directive:
    turn.data.name = answer
    turn.data.nmae = answer  # E: attr-defined
    turn.data.age = answer  # E: assignment
    turn.data = Signup("Ada")
    turn.data = Address()  # E: assignment
    turn.scene["tries"] = 1
    turn.scene["tries"] = Database()  # E: assignment
    turn.next(Elsewhere.NAME)  # E: arg-type
    turn.next("age")  # E: arg-type
    turn.goto(Elsewhere.NAME)  # E: arg-type
    turn.escalate("help", then=Elsewhere.NAME)  # E: arg-type
    turn.say(3)  # E: arg-type
    turn.say("Hello.", buttons=[["yes", Button("no")]])
    turn.say(Message("Hello."))
    return turn.next(Step.AGE)


@signup.step(
    Step.AGE,
    ask=lambda turn: Message(f"{turn.data.name}, how old are you?"),
    timeout=hours(24),
    on_timeout=Step.NAME,
    remind=[minutes(10), (minutes(20), "Still there?")],
    on_error={"no_stock": Step.NAME, "*": Step.DONE},
    retries=Retry(count=3, delay=seconds(1)),
    to=[Step.DONE],
)
async def age(turn: SignupTurn, answer: Annotated[int, Meta(ge=1)], database: Database) -> Directive:
    turn.data.age = answer
    await database.save(turn.data.name)
    return turn.next(Step.DONE)


@signup.step(Step.DONE)
async def done(turn: SignupTurn) -> Directive:
    if turn.input is None:
        return turn.wait("mail", accepts=email(), timeout=minutes(30), on_timeout=Step.NAME, on_exhausted=Step.NAME)
    turn.wait("mail", on_timeout=Elsewhere.NAME)  # E: arg-type
    turn.wait("mail", timeout=30)  # E: arg-type
    turn.wait("mail", accepts="text")  # E: arg-type
    turn.wait_callback("press", on_timeout="cancel")
    turn.input.text.upper()
    return turn.complete(turn.data)


@signup.step(Step.DONE)  # E: arg-type
async def of_another_flow(turn: AddressTurn) -> Directive:
    return turn.done()


@signup.step(Step.DONE)  # E: arg-type
async def forgets_to_answer(turn: SignupTurn) -> None:
    turn.next(Step.AGE)


@signup.step(Step.DONE)  # E: arg-type
def is_not_async(turn: SignupTurn) -> Directive:
    return turn.done()


signup.step(Elsewhere.NAME)  # E: arg-type
signup.step(Step.DONE, on_timeout=Elsewhere.NAME)  # E: arg-type
signup.step(Step.DONE, on_timeout="explode")  # E: arg-type
signup.step(Step.DONE, on_exhausted=Elsewhere.NAME)  # E: arg-type
signup.step(Step.DONE, to=[Elsewhere.NAME])  # E: list-item
signup.step(Step.DONE, timeout=30)  # E: arg-type
signup.step(Step.DONE, ask=lambda turn: turn.data.nmae)  # E: attr-defined
signup.step(Step.DONE, accepts=command("help"))
signup.step(Step.DONE, accepts=where("long"), on_timeout="cancel")

signup.parallel(start=Step.NAME, steps=[Step.AGE], join=Step.DONE, need="any", menu="Which?")
signup.parallel(start=Step.NAME, steps=[Elsewhere.NAME], join=Step.DONE)  # E: list-item
signup.parallel(start=Step.NAME, steps=[Step.AGE], join=Step.DONE, need="most")  # E: arg-type


# --- nested flows


async def nested(turn: SignupTurn) -> Directive:
    await turn.start(address, Address("Main Street"))
    await turn.start("address", {"street": "Main Street"})
    turn.call(bare, then=Step.AGE)
    turn.call(address, Signup(), then=Step.AGE)  # E: misc
    turn.call(address, Address(), then=Elsewhere.NAME)  # E: call-overload
    street: str = turn.result_as(Address).street
    number: int = turn.result_as(Address).street  # E: assignment
    turn.results[Step.AGE]
    turn.results[Elsewhere.NAME]  # E: index
    turn.fail(street, str(number))
    return turn.call(address, Address("Main Street"), then=Step.AGE)


# --- hooks, filters, versions


@signup.on_enter
async def entered(turn: SignupTurn, database: Database) -> None:
    await database.save(turn.data.name)


@signup.on_enter  # E: arg-type
async def entered_wrongly(turn: AddressTurn) -> None: ...


@signup.on_error
async def failed(turn: SignupTurn, error: Failure) -> Directive:
    return turn.goto(Step.NAME) if error.code == "flaky" else turn.repeat()


@signup.on_error  # E: arg-type
async def failed_wrongly(turn: SignupTurn, error: str) -> Directive:
    return turn.repeat()


@signup.middleware
async def timed(turn: SignupTurn, call_next: Callable[[], Awaitable[Directive]]) -> Directive:
    return await call_next()


@signup.middleware  # E: arg-type
async def swallows(turn: SignupTurn, call_next: Callable[[], Awaitable[Directive]]) -> None:
    await call_next()


@signup.filter("long")
def is_long(input: Input) -> bool:
    return len(input.text) > 20


@signup.filter("wrong")  # E: arg-type
def is_wrong(text: str) -> bool:
    return bool(text)


@signup.migrate(1, 2, steps={"nickname": Step.NAME})
def migrate(data: dict[str, Json]) -> dict[str, Json]:
    return data


@signup.migrate(2, 3)  # E: arg-type
def forgets_the_data(data: dict[str, Json]) -> None: ...


signup.retired("nickname", then=Step.NAME)
signup.retired("nickname", then="name")


async def every_directive(turn: SignupTurn, which: Literal[1, 2, 3, 4]) -> Directive:
    match which:
        case 1:
            return turn.back()
        case 2:
            return turn.cancel("tired")
        case 3:
            return turn.done({"ok": True})
        case 4:
            return turn.escalate("help", then=Step.NAME)
