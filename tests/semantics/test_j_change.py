"""Semantics J: new versions of flows under live conversations."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec
import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.playing import results
from turnflow import Directive, Flow, Message, Registry, Turn, command, hours
from turnflow.core.ids import Json
from turnflow.errors import ConflictingFlow
from turnflow.testing import Rehearsal

PAUSED = "This conversation is paused for a moment; your messages are kept and it goes on by itself."


class V1(StrEnum):
    NICKNAME = "nickname"
    AGE = "age"


class V2(StrEnum):
    NAME = "name"
    AGE = "age"


class V3(StrEnum):
    NAME = "name"
    AGE = "age"
    CITY = "city"


class Person1(msgspec.Struct):
    nickname: str = ""
    age: int = 0


class Person2(msgspec.Struct):
    name: str = ""
    age: int = 0


class Person3(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""
    years: int = 0
    city: str = "unknown"


def version1() -> Flow[V1, Person1]:
    flow = Flow("person", steps=V1, data=Person1)

    @flow.step(V1.NICKNAME, ask="Nickname?")
    async def nickname(turn: Turn[V1, Person1], answer: str) -> Directive:
        turn.data.nickname = answer
        return turn.next(V1.AGE)

    @flow.step(V1.AGE, ask=Message("Age?", buttons=[["18"]]), timeout=hours(1), on_timeout="cancel")
    async def age(turn: Turn[V1, Person1], answer: int) -> Directive:
        turn.data.age = answer
        return turn.complete(turn.data)

    return flow


def version2(*, version: int = 2) -> Flow[V2, Person2]:
    flow = Flow("person", steps=V2, data=Person2, version=version)

    @flow.step(V2.NAME, ask="Name?")
    async def name(turn: Turn[V2, Person2], answer: str) -> Directive:
        turn.data.name = answer
        return turn.next(V2.AGE)

    @flow.step(V2.AGE, ask="How old?")
    async def age(turn: Turn[V2, Person2], answer: int) -> Directive:
        turn.data.age = answer
        return turn.back() if answer == 0 else turn.complete(turn.data)

    return flow


def migrating2() -> Flow[V2, Person2]:
    flow = version2()

    @flow.migrate(1, 2, steps={"nickname": V2.NAME})
    def renamed(data: dict[str, Json]) -> dict[str, Json]:
        return {"name": data["nickname"], "age": data["age"]}

    return flow


def migrating3() -> Flow[V3, Person3]:
    flow = Flow("person", steps=V3, data=Person3, version=3)
    for step in V3:

        @flow.step(step, ask=f"{step}, please.")
        async def ask(turn: Turn[V3, Person3], answer: str) -> Directive:
            turn.data.city = answer
            return turn.complete(turn.data)

    @flow.migrate(1, 2, steps={"nickname": V2.NAME})
    def renamed(data: dict[str, Json]) -> dict[str, Json]:
        return {"name": data["nickname"], "age": data["age"]}

    @flow.migrate(2, 3)
    def years(data: dict[str, Json]) -> dict[str, Json]:
        return {"name": data["name"], "years": data["age"]}

    return flow


def registry_of(*flows: Flow[V1, Person1] | Flow[V2, Person2] | Flow[V3, Person3]) -> Registry:
    registry = Registry()
    for flow in flows:
        registry.register(flow, on=[command("start")])
    return registry


async def deploy(play: Rehearsal, *flows: Flow[V1, Person1] | Flow[V2, Person2] | Flow[V3, Person3]) -> list[str]:
    """Stop the engine and open one with these flows and no others on the same store."""
    return await play.deploy(registry_of(*flows))


# --- J1: digests ------------------------------------------------------------------------------------------------------


def worded(question: str, title: str, *, limit: int = 1) -> Flow[V1, None]:
    flow = Flow("worded", steps=V1, title=title)
    for step in V1:

        @flow.step(step, ask=question, title=title, retry=question, otherwise=question, timeout=hours(limit))
        async def ask(turn: Turn[V1, None], answer: int) -> Directive:
            return turn.complete()

    return flow


def test_j1_texts_and_titles_change_no_digest_and_what_a_flow_does_changes_it() -> None:
    registry = Registry()
    registry.register(worded("How old are you?", "Age"))
    registry.register(worded("Ihr Alter?", "Alter"))
    with pytest.raises(ConflictingFlow, match="raise the version"):
        registry.register(worded("How old are you?", "Age", limit=2))


# --- J2: versions -----------------------------------------------------------------------------------------------------


async def test_j2_a_run_finishes_on_its_own_version_while_new_ones_get_the_newest(rehearse: Rehearsing) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await deploy(play, version1(), version2())
        assert await play.say("Addy") == ["Age? [18]"]
        bob = play.as_("bob")
        assert await bob.say("/start") == ["Name?"]
        await play.press("18")
        assert await results(play) == [{"nickname": "Addy", "age": 18}]
        assert {run.user: run.version for run in await play.runs()} == {"you": 1, "bob": 2}


async def test_j2_a_change_within_a_version_goes_on_where_the_run_stands(rehearse: Rehearsing) -> None:
    async with rehearse(registry_of(version2(version=1))) as play:
        await play.say("/start")
        reworded = version2(version=1)

        @reworded.on_exit
        async def bye(turn: Turn[V2, Person2]) -> None:
            turn.say("Bye from the new code.")

        await deploy(play, reworded)
        assert await play.say("Ada") == ["How old?"]
        assert await play.say("36") == ["Bye from the new code."]


async def test_j2_a_migration_maps_data_and_steps(rehearse: Rehearsing) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await play.say("Addy")
        assert await deploy(play, migrating2()) == []
        await play.say("36")
        assert await results(play) == [{"name": "Addy", "age": 36}], "a step of the same name keeps its open question"
        (run,) = await play.runs()
        assert run.version == 2


async def test_j2_the_history_is_carried_over_too(rehearse: Rehearsing) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await play.say("Addy")
        await deploy(play, migrating2())
        assert await play.say("0") == ["Name?"]


async def test_j2_migrations_are_chained(rehearse: Rehearsing) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await deploy(play, migrating3())
        assert (await play.say("Addy"))[0] == "name, please."
        assert await results(play) == [{"name": "", "years": 0, "city": "Addy"}]


async def test_j2_at_a_renamed_step_the_question_is_asked_in_its_new_words_and_the_answer_under_way_counts(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await deploy(play, migrating2())
        assert await play.say("Addy") == ["Name?", "How old?"]
        await play.say("36")
        assert await results(play) == [{"name": "Addy", "age": 36}]


async def test_j2_a_retired_step_redirects_whoever_stands_there(rehearse: Rehearsing) -> None:
    class Old(StrEnum):
        NAME = "name"
        NICKNAME = "nickname"
        AGE = "age"

    old = Flow("person", steps=Old, data=Person2)
    for step in Old:

        @old.step(step, ask=f"{step}?")
        async def ask(turn: Turn[Old, Person2], answer: str) -> Directive:
            return turn.next(Old.NICKNAME)

    registry = Registry()
    registry.register(old, on=[command("start")])
    new = version2(version=1)
    new.retired("nickname", then=V2.AGE)
    async with rehearse(
        registry, checked=False
    ) as play:  # a replay needs the first definition; the version is the same
        await play.say("/start")
        assert await play.say("Ada") == ["nickname?"]
        await deploy(play, new)
        assert await play.say("Addy") == ["How old?"], "the nickname is no age, and nobody takes it for one"
        await play.say("36")
        assert await results(play) == [{"name": "", "age": 36}]


async def test_j2_a_run_in_a_called_flow_is_carried_over_with_its_caller(rehearse: Rehearsing) -> None:
    class Steps(StrEnum):
        CALL = "call"
        END = "end"

    def caller() -> Flow[Steps, None]:
        flow = Flow("caller", steps=Steps)

        @flow.step(Steps.CALL)
        async def call(turn: Turn[Steps, None]) -> Directive:
            return turn.call("person", then=Steps.END)

        @flow.step(Steps.END)
        async def end(turn: Turn[Steps, None]) -> Directive:
            return turn.complete(turn.result)

        return flow

    def registry(person: Flow[V1, Person1] | Flow[V2, Person2]) -> Registry:
        made = Registry()
        made.register(caller(), on=[command("start")])
        made.register_callable(person)
        return made

    async with rehearse(registry(version1())) as play:
        await play.say("/start")
        await play.say("Addy")
        await play.deploy(registry(migrating2()))
        await play.say("36")
        assert await results(play) == [{"name": "Addy", "age": 36}]


# --- J3: blocked ------------------------------------------------------------------------------------------------------


async def test_j3_a_run_whose_version_is_missing_is_blocked_with_the_reason_and_the_person_told_once(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await deploy(play, version2())
        assert await play.say("Addy") == [PAUSED]
        assert await play.say("hello?") == []
        await play.restart()
        assert await play.say("anybody?") == []
        (run,) = await play.runs()
        assert run.status == "blocked"
        assert run.reason == "flow 'person' version 1 is not registered"
        assert [kept.text for kept in run.backlog] == ["Addy", "hello?", "anybody?"]


@pytest.mark.parametrize("with_input", [True, False])
async def test_j3_it_goes_on_by_itself_with_the_input_it_kept_when_a_deploy_brings_the_piece_back(
    rehearse: Rehearsing, with_input: bool
) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await deploy(play, version2())
        if with_input:
            await play.say("Addy")
            assert await deploy(play, version1()) == ["Age? [18]"]
        else:
            assert await deploy(play, version1()) == []
            assert await play.say("Addy") == ["Age? [18]"]
        await play.press("18")
        assert await results(play) == [{"nickname": "Addy", "age": 18}]


async def test_j3_a_deploy_that_brings_a_migration_lets_a_blocked_run_go_on(rehearse: Rehearsing) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await play.say("Addy")
        await deploy(play, version2())
        assert await play.say("36") == [PAUSED]
        await deploy(play, migrating2())
        assert await results(play) == [{"name": "Addy", "age": 36}]


async def test_j3_a_missing_step_blocks_the_run_and_says_which(rehearse: Rehearsing) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await deploy(play, version2(version=1))
        assert await play.say("Addy") == [PAUSED]
        (run,) = await play.runs()
        assert (run.status, run.reason) == ("blocked", "step 'nickname' is missing")


async def test_j3_data_that_no_longer_fits_blocks_the_run_and_names_the_field(rehearse: Rehearsing) -> None:
    class Strict(msgspec.Struct):
        name: str
        age: int = 0

    changed = Flow("person", steps=V1, data=Strict)
    for step in V1:

        @changed.step(step, ask="?")
        async def ask(turn: Turn[V1, Strict], answer: str) -> Directive:
            return turn.complete()

    registry = Registry()
    registry.register(changed, on=[command("start")], initial={"name": "?"})
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await play.deploy(registry)
        assert await play.say("Addy") == [PAUSED]
        (run,) = await play.runs()
        assert run.status == "blocked"
        assert "name" in run.reason


def raising(data: dict[str, Json]) -> dict[str, Json]:
    raise KeyError("colour")


def unfitting(data: dict[str, Json]) -> dict[str, Json]:
    return {"name": 7}


@pytest.mark.parametrize("change", [raising, unfitting])
async def test_j3_a_migration_that_fails_blocks_the_run_until_it_is_repaired(
    rehearse: Rehearsing, change: Callable[[dict[str, Json]], dict[str, Json]]
) -> None:
    broken = version2()
    broken.migrate(1, 2, steps={"nickname": V2.NAME})(change)
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await play.say("Addy")
        await deploy(play, broken)
        assert await play.say("36") == [PAUSED]
        (run,) = await play.runs()
        assert run.status == "blocked"
        assert "migration" in run.reason
        await deploy(play, migrating2())
        assert await results(play) == [{"name": "Addy", "age": 36}]


async def test_j3_a_blocked_run_can_be_cancelled(rehearse: Rehearsing) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await deploy(play, version2())
        await play.say("Addy")
        assert await play.say("/cancel") == ["Cancelled."]
        assert await play.say("/start") == ["Name?"]


async def test_j3_the_trigger_of_a_blocked_run_does_not_start_a_second_one(rehearse: Rehearsing) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await deploy(play, version2())
        assert PAUSED in await play.say("/start")
        assert len(await play.runs()) == 1


async def test_j3_a_press_on_a_blocked_run_is_kept_and_counts_afterwards(rehearse: Rehearsing) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await play.say("Addy")
        await deploy(play, version2())
        assert PAUSED in await play.press("18")
        await deploy(play, version1())
        assert await results(play) == [{"nickname": "Addy", "age": 18}]


async def test_j3_timers_of_a_blocked_run_wait_for_it(rehearse: Rehearsing) -> None:
    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        await play.say("Addy")
        await deploy(play, version2())
        await play.clock(hours=5)
        assert [run.status for run in await play.runs()] == ["blocked"]
        await deploy(play, version1())
        await play.clock(minutes=1)
        assert [run.status for run in await play.runs()] == ["cancelled"], "its time had been over"


async def test_j3_other_runs_of_the_same_person_go_on_meanwhile(rehearse: Rehearsing) -> None:
    class Only(StrEnum):
        ASK = "ask"

    other = Flow("other", steps=Only)

    @other.step(Only.ASK, ask="Other?")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete(answer)

    async with rehearse(registry_of(version1())) as play:
        await play.say("/start")
        registry = registry_of(version2())
        registry.register(other, on=[command("other")])
        await play.deploy(registry)
        assert "Other?" in await play.say("/other")
        await play.say("yes")
        assert await results(play) == ["yes"]


async def test_j3_a_caller_that_is_blocked_takes_note_of_its_childs_end_afterwards(rehearse: Rehearsing) -> None:
    class Steps(StrEnum):
        CALL = "call"
        END = "end"

    def registry(*, caller: bool) -> Registry:
        flow = Flow("caller", steps=Steps)

        @flow.step(Steps.CALL)
        async def call(turn: Turn[Steps, None]) -> Directive:
            return turn.call("person", then=Steps.END)

        @flow.step(Steps.END)
        async def end(turn: Turn[Steps, None]) -> Directive:
            turn.say("Back again.")
            return turn.complete(turn.result)

        made = Registry()
        if caller:
            made.register(flow, on=[command("start")])
        made.register_callable(version1())
        return made

    async with rehearse(registry(caller=True)) as play:
        await play.say("/start")
        await play.say("Addy")
        await play.deploy(registry(caller=False))
        await play.press("18")
        assert {run.flow: run.status for run in await play.runs()} == {"caller": "blocked", "person": "completed"}
        assert await play.deploy(registry(caller=True)) == ["Back again."]
        assert await results(play) == [{"nickname": "Addy", "age": 18}]


async def test_j2_a_field_with_a_default_may_be_added_within_a_version(rehearse: Rehearsing) -> None:
    class More(msgspec.Struct):
        name: str = ""
        age: int = 0
        tags: list[str] = []

    more = Flow("person", steps=V2, data=More)
    for step in V2:

        @more.step(step, ask="More?")
        async def ask(turn: Turn[V2, More], answer: str) -> Directive:
            turn.data.tags.append(answer)
            return turn.complete(turn.data)

    async with rehearse(registry_of(version2(version=1))) as play:
        await play.say("/start")
        await play.say("Ada")
        await play.deploy(more)
        await play.say("math")
        assert await results(play) == [{"name": "Ada", "age": 0, "tags": ["math"]}]
