"""Semantics C: a trigger that is repeated while its flow is live."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import asking, nest
from tests.semantics.playing import INACTIVE
from turnflow import (
    Directive,
    Flow,
    Message,
    Registry,
    Turn,
    command,
)
from turnflow.core.definition import OnRepeat


class Two(StrEnum):
    NAME = "name"
    CITY = "city"


def repeated(on_repeat: OnRepeat, left: list[str] | None = None) -> Flow[Two, None]:
    flow = Flow("trip", steps=Two, on_repeat=on_repeat)

    @flow.step(Two.NAME, ask="Name?")
    async def name(turn: Turn[Two, None], answer: str) -> Directive:
        return turn.next(Two.CITY)

    @flow.step(Two.CITY, ask=Message("City?", buttons=[["Rome"]]))
    async def city(turn: Turn[Two, None], answer: str) -> Directive:
        return turn.complete(answer)

    @flow.on_exit
    async def leave(turn: Turn[Two, None]) -> None:
        if left is not None:
            left.append(turn.outcome)

    return flow


async def test_c_on_repeat_resume_asks_the_open_question_again(rehearse: Rehearsing) -> None:
    async with rehearse(repeated("resume")) as play:
        await play.say("/start")
        await play.say("Ada")
        await play.restart()
        assert await play.say("/start") == ["City? [Rome]"]
        assert len(await play.runs()) == 1
        assert await play.press("Rome", nth=2) == [INACTIVE]
        await play.press("Rome")
        assert [run.status for run in await play.runs()] == ["completed"]


async def test_c_on_repeat_resume_asks_what_the_innermost_called_flow_asks(rehearse: Rehearsing) -> None:
    async with rehearse(nest([])) as play:
        await play.say("/start")
        assert await play.say("/start") == ["inner?"]
        assert len(await play.runs()) == 3


async def test_c_on_repeat_restart_ends_the_old_run_with_its_exit_hooks_and_begins_anew(rehearse: Rehearsing) -> None:
    left: list[str] = []
    async with rehearse(repeated("restart", left)) as play:
        await play.say("/start")
        await play.say("Ada")
        assert await play.say("/start") == ["Name?"]
        assert left == ["cancelled"]
        assert [run.status for run in await play.runs()] == ["cancelled", "waiting"]


async def test_c_on_repeat_reject_says_so_and_changes_nothing(rehearse: Rehearsing) -> None:
    async with rehearse(repeated("reject")) as play:
        await play.say("/start")
        await play.say("Ada")
        assert await play.say("/start") == ["This is already running."]
        await play.press("Rome")
        assert [run.status for run in await play.runs()] == ["completed"]
        assert await play.say("/start") == ["Name?"]


async def test_c_on_repeat_parallel_starts_another_run_beside_the_first(rehearse: Rehearsing) -> None:
    async with rehearse(repeated("parallel")) as play:
        await play.say("/start")
        await play.say("Ada")
        assert await play.say("/start") == ["Name?"]
        assert len(await play.runs()) == 2
        assert await play.press("Rome") == []
        await play.say("Bob")
        await play.press("Rome")
        assert [run.status for run in await play.runs()] == ["completed", "completed"]


@pytest.mark.parametrize("on_repeat", ["resume", "reject"])
async def test_c_two_triggers_at_once_start_one_run(
    rehearse: Rehearsing, on_repeat: Literal["resume", "reject"]
) -> None:
    async with rehearse(repeated(on_repeat)) as play:
        await play.race("/start", "/start")
        assert play.replies == ["Name?", "Name?" if on_repeat == "resume" else "This is already running."]
        assert len(await play.runs()) == 1


async def test_c_a_run_that_the_host_starts_for_a_user_is_the_one_that_the_trigger_resumes(
    rehearse: Rehearsing,
) -> None:
    flow = repeated("resume")
    registry = Registry()
    registry.register(flow, on=[command("trip")], callable=True)
    async with rehearse(registry) as play:
        await play.engine.start("trip", conversation="chat:you", user="you")
        await play.settle()
        await play.say("Ada")
        assert await play.say("/trip") == ["City? [Rome]"]
        assert len(await play.runs()) == 1


async def test_c_on_repeat_restart_begins_anew_also_if_children_elsewhere_have_to_end_first(
    rehearse: Rehearsing,
) -> None:
    flow = asking("a", on_repeat="restart")
    child = asking("child")
    registry = Registry()
    registry.register(flow, on=[command("a")])
    registry.register_callable(child)
    async with rehearse(registry) as play:
        await play.say("/a")
        (old,) = await play.runs()
        await play.engine.start("child", conversation="chat:bob", user="bob", parent=old.run)
        await play.settle()
        assert await play.say("/a") == ["a?"]
        assert sorted((run.flow, run.status) for run in await play.runs()) == [
            ("a", "cancelled"),
            ("a", "waiting"),
            ("child", "cancelled"),
        ]


async def test_c_on_repeat_restart_replaces_a_run_that_a_deploy_has_blocked(rehearse: Rehearsing) -> None:
    async with rehearse(repeated("restart")) as play:
        await play.say("/start")
        other = Flow("trip", steps=Two, version=2, on_repeat="restart")
        for step in Two:

            @other.step(step, ask=f"New {step}?")
            async def ask(turn: Turn[Two, None], answer: str) -> Directive:
                return turn.complete()

        await play.deploy(other)
        assert (await play.say("/start"))[-1] == "New name?"
        assert [run.status for run in await play.runs()] == ["cancelled", "waiting"]
