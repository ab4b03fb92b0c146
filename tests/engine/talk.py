"""A small flow whose first answer is handled by whatever a test wants to go wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from turnflow import Directive, Flow, Registry, Turn, callback, command
from turnflow.actions import Action


class Step(StrEnum):
    FIRST = "first"
    SECOND = "second"


TalkTurn: TypeAlias = Turn[Step, None]
Handler: TypeAlias = Callable[[TalkTurn, str], Awaitable[Directive]]


async def go_on(turn: TalkTurn, answer: str) -> Directive:
    return turn.next(Step.SECOND)


def make_flow(
    first: Handler = go_on,
    *,
    version: int = 1,
    key: Literal["user_in_chat", "user"] = "user_in_chat",
    on_repeat: Literal["resume", "restart", "reject"] = "resume",
) -> Flow[Step, None]:
    """Two questions: the answer to the first goes to `first`, the second answer is the result."""
    flow: Flow[Step, None] = Flow("talk", steps=Step, version=version, key=key, on_repeat=on_repeat)

    @flow.step(Step.FIRST, ask="First?")
    async def handle_first(turn: TalkTurn, answer: str) -> Directive:
        return await first(turn, answer)

    @flow.step(Step.SECOND, ask="Second?")
    async def handle_second(turn: TalkTurn, answer: str) -> Directive:
        return turn.complete(answer)

    return flow


def make_registry(flow: Flow[Step, None] | None = None, *actions: Action[Any, Any]) -> Registry:
    registry = Registry()
    registry.register(flow or make_flow(), on=[command("start"), callback("begin")])
    for each in actions:
        registry.register_action(each)
    return registry
