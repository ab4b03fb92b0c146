"""Semantics A: what building a flow finds."""

from __future__ import annotations

from enum import StrEnum

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Guest, Only
from tests.semantics.playing import SORRY
from turnflow import Directive, Flow, Message, Turn
from turnflow.errors import InvalidFlow


class Broken(StrEnum):
    START = "start"
    ASK = "ask"
    LEFT = "left"
    JOIN = "join"
    FORGOTTEN = "forgotten"


class Other(StrEnum):
    JOINT = "joint"


def full_of_mistakes() -> Flow[Broken, Guest]:
    flow = Flow("broken flow!", steps=Broken, data=Guest)

    @flow.step(Broken.START, to=[Other.JOINT])  # type: ignore[list-item]  # because it is the mistake
    async def start(turn: Turn[Broken, Guest]) -> Directive:
        return turn.done()

    @flow.step(Broken.ASK, ask="?", on_timeout=Broken.LEFT, retries=None, on_exhausted=Broken.LEFT)
    async def ask(turn: Turn[Broken, Guest], answer: type) -> Directive:
        return turn.done()

    @flow.step(Broken.ASK, ask="?")
    async def ask_again(turn: Turn[Broken, Guest], answer: str) -> Directive:
        return turn.done()

    @flow.step(Broken.LEFT)  # type: ignore[arg-type]  # because it is the mistake
    def left(turn: Turn[Broken, Guest]) -> Directive:
        return turn.done()

    @flow.step(Broken.JOIN)
    async def join(turn: Turn[Broken, Guest], amount: int) -> Directive:
        return turn.complete()

    flow.parallel(start=Broken.START, steps=[Broken.LEFT, Broken.JOIN], join=Broken.JOIN)

    return flow


def test_a8_build_reports_all_problems_at_once_with_their_paths() -> None:
    with pytest.raises(InvalidFlow) as raised:
        full_of_mistakes().build()
    found = {(problem.code, problem.path) for problem in raised.value.problems}
    assert found >= {
        ("bad_name", "flow"),
        ("unknown_step", "steps.start.to"),
        ("timeout_missing", "steps.ask.on_timeout"),
        ("unbounded_attempts", "steps.ask.ask.on_exhausted"),
        ("bad_answer", "steps.ask"),
        ("duplicate_handler", "steps.ask"),
        ("not_async", "steps.left"),
        ("bad_signature", "steps.join"),
        ("missing_handler", "steps.forgotten"),
        ("join_in_branches", "groups.start.join"),
    }
    assert "did you mean 'join'?" in str(raised.value)


def test_a8_unreachable_steps_and_flows_without_an_end_are_found_over_declared_edges() -> None:
    class Round(StrEnum):
        A = "a"
        B = "b"
        ISLAND = "island"

    def made(island: list[Round]) -> Flow[Round, None]:
        flow = Flow("round", steps=Round)
        for step, to in ((Round.A, [Round.B]), (Round.B, [Round.A]), (Round.ISLAND, island)):

            @flow.step(step, ask="?", to=to)
            async def handler(turn: Turn[Round, None], answer: str) -> Directive:
                return turn.done()

        return flow

    with pytest.raises(InvalidFlow) as raised:
        made([]).build()
    assert {(problem.code, problem.path) for problem in raised.value.problems} == {
        ("unreachable", "steps.island"),
        ("no_end", "steps"),
    }


async def test_a8_a_computed_target_that_does_not_exist_fails_the_run_with_a_clear_error(rehearse: Rehearsing) -> None:
    class Other(StrEnum):
        ELSEWHERE = "elsewhere"

    class Only(StrEnum):
        ASK = "ask"

    flow = Flow("lost", steps=Only)

    @flow.step(Only.ASK, ask=lambda turn: Message("Where?"))
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.next(Other.ELSEWHERE)  # type: ignore[arg-type]  # because it is the mistake

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("there") == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert ending.error.code == "unknown_step"
        assert "elsewhere" in ending.error.message
