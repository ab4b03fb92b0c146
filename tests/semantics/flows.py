"""Flows that several tests of the semantics play."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from turnflow import (
    Directive,
    Flow,
    Input,
    Message,
    Registry,
    Turn,
    command,
)
from turnflow.core.definition import Accepts, KeyPolicy, OnRepeat, Trigger


class Only(StrEnum):
    ASK = "ask"


class Party(StrEnum):
    NAME = "name"
    CITY = "city"
    FOOD = "food"


class Guest(msgspec.Struct):
    name: str = ""
    city: str = ""
    food: str = ""


def party() -> Flow[Party, Guest]:
    """Asks three things; `back`, `again` and `restart` may be typed instead of an answer."""
    flow = Flow("party", steps=Party, data=Guest)

    def steered(turn: Turn[Party, Guest], answer: str) -> Directive | None:
        match answer:
            case "back":
                return turn.back()
            case "again":
                return turn.repeat()
            case "restart":
                return turn.goto(Party.NAME)
            case "food!":
                return turn.goto(Party.FOOD)
            case _:
                return None

    @flow.step(Party.NAME, ask="Your name?")
    async def name(turn: Turn[Party, Guest], answer: str) -> Directive:
        turn.data.name = answer
        return steered(turn, answer) or turn.next(Party.CITY)

    @flow.step(Party.CITY, ask="Your city?")
    async def city(turn: Turn[Party, Guest], answer: str) -> Directive:
        turn.data.city = answer
        return steered(turn, answer) or turn.next(Party.FOOD)

    @flow.step(Party.FOOD, ask="What do you eat?")
    async def food(turn: Turn[Party, Guest], answer: str) -> Directive:
        turn.data.food = answer
        return steered(turn, answer) or turn.complete(turn.data)

    return flow


class Cafe(StrEnum):
    DRINK = "drink"
    SIZE = "size"


def cafe(*, keep_buttons: bool = False) -> Flow[Cafe, None]:
    flow = Flow("cafe", steps=Cafe, keep_buttons=keep_buttons)

    @flow.step(Cafe.DRINK, ask=Message("Drink?", buttons=[["tea", "coffee"]]))
    async def drink(turn: Turn[Cafe, None], answer: str) -> Directive:
        return turn.next(Cafe.SIZE)

    @flow.step(Cafe.SIZE, ask="Size?")
    async def size(turn: Turn[Cafe, None], answer: Literal["big", "small", "back"]) -> Directive:
        return turn.back() if answer == "back" else turn.complete(answer)

    return flow


def asking(
    name: str,
    *,
    accepts: Accepts | Trigger | None = None,
    key: KeyPolicy = "user_in_chat",
    on_repeat: OnRepeat = "resume",
    who: tuple[str, ...] = (),
) -> Flow[Only, None]:
    """Asks `NAME?` and completes with who answered what."""
    flow = Flow(name, steps=Only, key=key, on_repeat=on_repeat)

    @flow.step(Only.ASK, ask=f"{name}?", accepts=accepts, who=who)
    async def ask(turn: Turn[Only, None], answer: Input) -> Directive:
        return turn.complete(f"{answer.sender}: {answer.text or answer.value or answer.kind}")

    return flow


def registered(*flows: Flow[Only, None]) -> Registry:
    """Each flow starts on the command of its own name."""
    registry = Registry()
    for flow in flows:
        registry.register(flow, on=[command(flow.name)])
    return registry


class Call(StrEnum):
    CALL = "call"
    END = "end"


def nest(left: list[str]) -> Registry:
    """`outer` calls `middle` calls `inner`; each notes when it is left and how."""
    registry = Registry()
    inner = asking("inner")

    @inner.on_exit
    async def inner_left(turn: Turn[Only, None]) -> None:
        left.append(f"inner {turn.outcome}")

    registry.register_callable(inner)
    called = "inner"
    for name in ("middle", "outer"):
        flow = Flow(name, steps=Call)

        @flow.step(Call.CALL)
        async def call(turn: Turn[Call, None], called: str = called) -> Directive:
            return turn.call(called, then=Call.END)

        @flow.step(Call.END)
        async def end(turn: Turn[Call, None]) -> Directive:
            return turn.complete(turn.result)

        @flow.on_exit
        async def exited(turn: Turn[Call, None], name: str = name) -> None:
            left.append(f"{name} {turn.outcome}")

        registry.register(flow, on=[command("start")] if name == "outer" else [], callable=True)
        called = name
    return registry
