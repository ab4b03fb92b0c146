"""Semantics A: data, scene, and input that is consumed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta
from pydantic import BaseModel

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Only, party
from tests.semantics.playing import result_of
from turnflow import Directive, Failure, Flow, Registry, Turn, command
from turnflow.errors import InvalidValue


class StructData(msgspec.Struct):
    name: str = ""
    tags: list[str] = []


@dataclass
class ClassData:
    name: str = ""
    tags: list[str] = field(default_factory=list)


class ModelData(BaseModel):
    name: str = ""
    tags: list[str] = []


@pytest.mark.parametrize("kind", [StructData, ClassData, ModelData])
async def test_a4_data_survives_restarts_whatever_it_is_written_with(
    rehearse: Rehearsing, kind: type[StructData] | type[ClassData] | type[ModelData]
) -> None:
    class Two(StrEnum):
        NAME = "name"
        TAG = "tag"

    flow = Flow("tags", steps=Two, data=kind)

    @flow.step(Two.NAME, ask="Name?")
    async def name(turn: Turn[Two, StructData | ClassData | ModelData], answer: str) -> Directive:
        turn.data.name = answer
        return turn.next(Two.TAG)

    @flow.step(Two.TAG, ask="Tag?")
    async def tag(turn: Turn[Two, StructData | ClassData | ModelData], answer: str) -> Directive:
        turn.data.tags.append(answer)
        if len(turn.data.tags) < 2:
            return turn.repeat()
        return turn.complete([turn.data.name, *turn.data.tags])

    async with rehearse(flow) as play:
        for text in ("/start", "Ada", "math", "poet"):
            await play.say(text)
            await play.restart()
        (ending,) = await play.endings()
        assert result_of(ending) == ["Ada", "math", "poet"]


class Limited(msgspec.Struct):
    age: Annotated[int, Meta(ge=0, le=150)] = 0
    note: str = ""


async def test_a4_a_value_that_does_not_fit_the_data_is_an_error_naming_the_field(rehearse: Rehearsing) -> None:
    class Only(StrEnum):
        AGE = "age"

    flow = Flow("limited", steps=Only, data=Limited)

    @flow.step(Only.AGE, ask="Age?")
    async def age(turn: Turn[Only, Limited], answer: int) -> Directive:
        turn.data.note = "written in the same turn"
        turn.data.age = answer
        return turn.complete(turn.data)

    @flow.on_error
    async def wrong(turn: Turn[Only, Limited], error: Failure) -> Directive:
        turn.say(f"{error.code}: {error.message} ({turn.data.note or 'nothing kept'})")
        return turn.goto(Only.AGE)

    async with rehearse(flow) as play:
        await play.say("/start")
        said = await play.say("999")
        assert said[0].startswith("invalid_data: ")
        assert "age" in said[0]
        assert "nothing kept" in said[0], "a refused commit keeps nothing of the handler's work"
        assert said[1] == "Age?"
        await play.say("36")
        assert (await play.endings())[0].outcome == "completed"


async def test_a4_initial_data_is_validated_before_the_run_starts(rehearse: Rehearsing) -> None:
    class Only(StrEnum):
        AGE = "age"

    flow = Flow("limited", steps=Only, data=Limited)

    @flow.step(Only.AGE, ask="Age?")
    async def age(turn: Turn[Only, Limited], answer: int) -> Directive:
        return turn.complete()

    registry = Registry()
    registry.register_callable(flow)
    async with rehearse(registry) as play:
        with pytest.raises(InvalidValue, match="age"):
            await play.engine.start("limited", {"age": 999}, conversation="chat:you", user="you")
        with pytest.raises(InvalidValue, match="nonsense"):
            await play.engine.start("limited", {"nonsense": 1}, conversation="chat:you", user="you")
        assert await play.runs() == []


async def test_a4_the_scene_is_kept_on_wait_and_repeat_and_cleared_on_every_transition(rehearse: Rehearsing) -> None:
    class Two(StrEnum):
        COUNT = "count"
        OTHER = "other"

    flow = Flow("scenes", steps=Two)

    @flow.step(Two.COUNT)
    async def count(turn: Turn[Two, None]) -> Directive:
        tries = turn.scene.get("tries", 0)
        assert isinstance(tries, int)
        if turn.input is None:
            turn.say(f"{tries} so far")
            return turn.wait("count")
        turn.scene["tries"] = tries + 1
        match turn.input.text:
            case "wait":
                return turn.wait("count")
            case "repeat":
                return turn.repeat()
            case "next":
                return turn.next(Two.OTHER)
            case "goto":
                return turn.goto(Two.COUNT)
            case _:
                return turn.back()

    @flow.step(Two.OTHER)
    async def other(turn: Turn[Two, None]) -> Directive:
        if turn.input is None:
            turn.say(f"other {turn.scene}")
            return turn.wait("other")
        return turn.back()

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("wait") == []
        await play.restart()
        assert await play.say("repeat") == ["2 so far"]
        assert await play.say("next") == ["other {}"]
        assert await play.say("x") == ["0 so far"], "back is a transition as well"
        await play.say("wait")
        assert await play.say("goto") == ["0 so far"], "even to the step itself"
        await play.say("wait")
        assert await play.say("back") == ["0 so far"]


async def test_a5_the_answer_of_one_step_never_leaks_into_the_next_or_a_branch_or_a_run_after_a_restart(
    rehearse: Rehearsing,
) -> None:
    seen: list[tuple[str, str | None]] = []

    class Five(StrEnum):
        FIRST = "first"
        BOTH = "both"
        LEFT = "left"
        RIGHT = "right"
        LAST = "last"

    flow = Flow("leaks", steps=Five)

    @flow.step(Five.FIRST, ask="First?")
    async def first(turn: Turn[Five, None], answer: str) -> Directive:
        seen.append(("first", answer))
        return turn.next(Five.BOTH)

    for side in (Five.LEFT, Five.RIGHT):

        @flow.step(side)
        async def branch(turn: Turn[Five, None]) -> Directive:
            seen.append((turn.step.value, turn.input.text if turn.input else None))
            if turn.input is None:
                return turn.wait(turn.step.value)
            return turn.done()

    @flow.step(Five.LAST)
    async def last(turn: Turn[Five, None]) -> Directive:
        seen.append(("last", turn.input.text if turn.input else None))
        return turn.complete() if turn.input else turn.wait("last")

    flow.parallel(start=Five.BOTH, steps=[Five.LEFT, Five.RIGHT], join=Five.LAST)

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("Ada")
        assert seen == [("first", "Ada"), ("left", None), ("right", None)]
        await play.restart()
        await play.say("one")
        await play.press("left")
        await play.say("two")
        assert seen[3:] == [("left", "one"), ("right", "two"), ("last", None)]
        assert await play.redeliver()
        await play.restart()
        assert len(seen) == 6


async def test_a5_the_input_that_starts_a_flow_does_not_answer_its_first_question(rehearse: Rehearsing) -> None:
    registry = Registry()
    registry.register(party(), on=[command("start")])
    async with rehearse(registry) as play:
        assert await play.say("/start Ada") == ["Your name?"]
