"""A flow with a parallel group, which the tests of section D play."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from turnflow import Directive, Flow, Media, Message, Turn, answers


class Kyc(StrEnum):
    START = "start"
    EMAIL = "email"
    PHONE = "phone"
    CODE = "code"
    DOCUMENT = "document"
    ALL = "all"
    ELSEWHERE = "elsewhere"


def kyc(
    *,
    need: Literal["all", "any"] | int = "all",
    redo: bool = True,
    timeout: timedelta | None = None,
    menu: str | Callable[[Turn[Kyc, None]], Message] | None = None,
) -> Flow[Kyc, None]:
    """Three branches in any order: an e-mail address, a phone number with a code, a photo. `back` and `out` may be typed."""
    flow = Flow("kyc", steps=Kyc)
    add_branches(flow)

    @flow.step(Kyc.START)
    async def start(turn: Turn[Kyc, None]) -> Directive:
        turn.say("Three things.")
        return turn.done()

    @flow.step(Kyc.ALL)
    async def all_complete(turn: Turn[Kyc, None]) -> Directive:
        if turn.input is None:
            turn.say(f"{turn.progress.text()} complete: {sorted(step.value for step in turn.results)}. Correct?")
            return turn.wait("correct")
        if turn.input.text == "back":
            return turn.back()
        return turn.complete({step.value: result for step, result in turn.results.items()})

    @flow.step(Kyc.ELSEWHERE, ask="Elsewhere.")
    async def elsewhere(turn: Turn[Kyc, None], answer: str) -> Directive:
        return turn.back() if answer == "back" else turn.complete("left")

    flow.parallel(
        start=Kyc.START,
        steps=[Kyc.EMAIL, Kyc.PHONE, Kyc.DOCUMENT],
        join=Kyc.ALL,
        need=need,
        redo=redo,
        timeout=timeout,
        on_timeout=Kyc.ELSEWHERE if timeout else None,
        menu=menu,
    )
    return flow


def add_branches(flow: Flow[Kyc, None]) -> None:
    """Add the steps of the branches."""

    @flow.step(Kyc.EMAIL, ask="Mail?", title="Your mail")
    async def email(
        turn: Turn[Kyc, None], answer: Annotated[str, answers.email()] | Literal["back", "out", "to phone"]
    ) -> Directive:
        match answer:
            case "back":
                return turn.back()
            case "out":
                return turn.goto(Kyc.ELSEWHERE)
            case "to phone":
                return turn.next(Kyc.PHONE)
            case _:
                turn.say(f"Mail noted, {turn.progress.completed + 1} of {turn.progress.total}.")
                return turn.done(answer)

    @flow.step(Kyc.PHONE, ask="Phone?")
    async def phone(turn: Turn[Kyc, None], answer: Annotated[str, answers.phone("GB")] | Literal["back"]) -> Directive:
        return turn.back() if answer == "back" else turn.next(Kyc.CODE)

    @flow.step(Kyc.CODE, ask="Code?")
    async def code(turn: Turn[Kyc, None], answer: int | Literal["back"]) -> Directive:
        return turn.back() if answer == "back" else turn.done(answer)

    @flow.step(Kyc.DOCUMENT, ask="Document?", accepts=answers.photo())
    async def document(turn: Turn[Kyc, None], answer: Media) -> Directive:
        return turn.next(Kyc.ALL)
