"""Change under live runs: migrations, retired steps; and groups, filters and policies as definitions."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tests.authoring.calling import Caller, plain, said, text
from turnflow.authoring import Flow, Turn, any_text, callback, command, days, hours, media, minutes, pattern, where
from turnflow.core.definition import ParallelGroup, Policies, Trigger
from turnflow.core.directives import Directive
from turnflow.core.ids import Json, StepName
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.errors import AuthorError, InvalidValue


class Step(StrEnum):
    NAME = "name"
    MAIL = "mail"
    END = "end"


class Data(msgspec.Struct):
    full_name: str
    mail: str = ""


AnyTurn = Turn[Step, Data]


def flow_of(**options: Any) -> Flow[Step, Data]:
    flow = Flow("f", steps=Step, data=Data, **options)
    for step in Step:

        @flow.step(step)
        async def handler(turn: AnyTurn) -> Directive:
            return turn.complete()

    return flow


def migrating() -> Flow[Step, Data]:
    flow = flow_of(version=3)

    @flow.migrate(1, 2, steps={"first": "nickname", "address": Step.MAIL})
    def from_one(data: dict[str, Json]) -> dict[str, Json]:
        return {"name": f"{data['first']} {data['last']}"}

    @flow.migrate(2, 3, steps={"nickname": Step.NAME})
    def from_two(data: dict[str, Json]) -> dict[str, Json]:
        return {"full_name": data["name"], "unknown": 1}

    return flow


def raw(**values: object) -> dict[str, Raw]:
    return {name: Raw(msgspec.json.encode(value)) for name, value in values.items()}


def test_migrations_are_composed_into_chains() -> None:
    handlers = migrating().build()
    migrated = handlers.migrate(1, raw(first="Ada", last="Lovelace"))
    assert migrated is not None
    assert plain(migrated.data) == {"full_name": "Ada Lovelace", "mail": ""}
    assert migrated.steps == {"first": "name", "nickname": "name", "address": "mail"}
    direct = handlers.migrate(2, raw(name="Ada"))
    assert direct is not None
    assert (plain(direct.data)["full_name"], direct.steps) == ("Ada", {"nickname": "name"})


def test_a_version_without_a_chain_is_not_migrated() -> None:
    assert migrating().build().migrate(7, {}) is None
    assert flow_of().build().migrate(1, {}) is None


def test_a_migration_whose_data_does_not_fit_says_so() -> None:
    flow = flow_of(version=2)

    @flow.migrate(1, 2)
    def change(data: dict[str, Json]) -> dict[str, Json]:
        return {"full_name": 3}

    with pytest.raises(InvalidValue, match=r"from version 1 to 2.*full_name"):
        flow.build().migrate(1, {})


def test_retired_steps_lead_somewhere_else() -> None:
    flow = flow_of()
    flow.retired("nickname", then="name")
    flow.retired("address", then=Step.MAIL)
    assert flow.build().definition.retired == {"nickname": "name", "address": "mail"}


def test_the_definition_says_how_runs_are_found_and_ended() -> None:
    definition = flow_of(
        version=4, start=Step.MAIL, title="Sign up", key="chat", on_repeat="restart", ttl=days(1), idle=hours(2),
        keep_buttons=True,
    ).build().definition  # fmt: skip
    assert (definition.name, definition.version, definition.start, definition.title) == ("f", 4, "mail", "Sign up")
    assert definition.policies == Policies("chat", "restart", 86_400_000, 7_200_000, True)
    assert list(definition.steps) == ["name", "mail", "end"]
    assert flow_of().build().definition.start == "name"


def test_two_builds_of_a_flow_are_the_same_definition() -> None:
    flow = migrating()
    assert flow.build().definition == flow.build().definition


async def test_a_group_needs_no_handler_for_its_start() -> None:
    class Kyc(StrEnum):
        START = "start"
        EMAIL = "email"
        PHONE = "phone"
        JOIN = "join"

    flow = Flow("kyc", steps=Kyc)
    for step in (Kyc.EMAIL, Kyc.PHONE, Kyc.JOIN):

        @flow.step(step)
        async def handler(turn: Turn[Kyc, None]) -> Directive:
            return turn.done()

    flow.parallel(
        start=Kyc.START, steps=[Kyc.EMAIL, Kyc.PHONE], join=Kyc.JOIN, need="any", redo=False,
        menu=lambda turn: f"{turn.progress.text()} so far", timeout=minutes(5), on_timeout=Kyc.JOIN,
    )  # fmt: skip
    run = Caller(flow)
    definition = run.handlers.definition
    assert not definition.steps[StepName("start")].has_handler
    assert definition.groups[StepName("start")] == ParallelGroup(
        StepName("start"), (StepName("email"), StepName("phone")), StepName("join"), 1, False, 300_000, StepName("join"),
        menu_handler=True,
    )  # fmt: skip
    assert said(await run.run("menu", "start")) == ["0/2 so far"]


@pytest.mark.parametrize(("need", "number"), [("all", 0), ("any", 1), (2, 2)])
def test_a_group_needs_all_any_or_some_branches(need: Any, number: int) -> None:
    class Four(StrEnum):
        START = "start"
        ONE = "one"
        TWO = "two"
        JOIN = "join"

    flow = Flow("four", steps=Four)
    for step in Four:

        @flow.step(step)
        async def handler(turn: Turn[Four, None]) -> Directive:
            return turn.done()

    flow.parallel(start=Four.START, steps=[Four.ONE, Four.TWO], join=Four.JOIN, need=need, menu="Which?")
    group = flow.build().definition.groups[StepName("start")]
    assert (group.need, group.menu) == (number, Message("Which?"))


def test_a_filter_is_a_predicate_by_name() -> None:
    flow = flow_of()

    @flow.filter("long")
    def is_long(input: Input) -> bool:
        return len(input.text) > 5

    handlers = flow.build()
    assert handlers.matches("long", text("hello there"))
    assert not handlers.matches("long", text("hi"))
    with pytest.raises(AuthorError, match=r"@flow\.filter\('short'\)"):
        handlers.matches("short", text("hi"))


def test_triggers_are_written_with_one_word() -> None:
    assert [command("/start"), callback("buy*"), pattern("hi"), media("photo"), any_text(), where("long")] == [
        Trigger("command", "start"),
        Trigger("callback", "buy*"),
        Trigger("pattern", "hi"),
        Trigger("media", "photo"),
        Trigger("any_text"),
        Trigger("filter", "long"),
    ]


@pytest.mark.parametrize("make", [lambda: command("a b"), lambda: pattern("("), lambda: media("smell")])
def test_a_trigger_that_can_never_fire_is_refused(make: Any) -> None:
    with pytest.raises(AuthorError):
        make()
