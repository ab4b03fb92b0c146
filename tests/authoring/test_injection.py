"""What user code may ask for, and where its annotations may be defined."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pytest

from tests.authoring.calling import Caller, RecordedServices, problems_of, said
from turnflow.authoring import Flow, Turn
from turnflow.core.directives import Directive
from turnflow.errors import MissingResource

if TYPE_CHECKING:
    from decimal import Decimal


class Step(StrEnum):
    ONLY = "only"


class Database:
    def __init__(self, name: str = "db") -> None:
        self.name = name


class Cache(Database):
    pass


AnyTurn = Turn[Step, None]


def flow_of(handler: Any, **options: Any) -> Flow[Step, None]:
    flow = Flow("f", steps=Step)
    flow.step(Step.ONLY, **options)(handler)
    return flow


def with_resources(*resources: object) -> RecordedServices:
    return RecordedServices({type(item): item for item in resources})


async def test_resources_are_injected_by_their_class() -> None:
    async def handler(turn: AnyTurn, database: Database, *, answer: str, cache: Cache | None = None) -> Directive:
        return turn.complete([database.name, answer, cache is None])

    run = Caller(flow_of(handler, ask="?"), services=with_resources(Database("main")))
    directive: Any = (await run.run("input", "only", "hi")).directive
    assert bytes(directive.result) == b'["main","hi",true]'
    assert run.handlers.wants == {Database}


async def test_replies_hooks_and_the_turn_alone_may_ask_for_resources_too() -> None:
    def ask(turn: AnyTurn, database: Database) -> str:
        return database.name

    async def handler(answer: str, turn: AnyTurn) -> Directive:
        return turn.complete(answer)

    flow = flow_of(handler, ask=ask)

    @flow.on_enter
    async def entered(turn: AnyTurn, cache: Cache) -> None:
        turn.say(cache.name)

    run = Caller(flow, services=with_resources(Database("main"), Cache("quick")))
    assert run.handlers.wants == {Database, Cache}
    assert said(await run.run("ask", "only")) == ["main"]
    assert said(await run.run("hook", "only", hook="flow_enter")) == ["quick"]
    directive: Any = (await run.run("input", "only", "hi")).directive
    assert bytes(directive.result) == b'"hi"'


async def test_a_resource_that_is_not_there_is_a_clear_error() -> None:
    async def handler(turn: AnyTurn, database: Database) -> Directive:
        return turn.complete()

    with pytest.raises(MissingResource, match="Database"):
        await Caller(flow_of(handler)).run("enter", "only")


async def test_a_parameter_with_a_default_needs_no_resource() -> None:
    async def handler(turn: AnyTurn, number: int = 3, database: Database | None = None) -> Directive:
        return turn.complete([number, database])

    run = Caller(flow_of(handler))
    directive: Any = (await run.run("enter", "only")).directive
    assert bytes(directive.result) == b"[3,null]"
    assert run.handlers.wants == frozenset()


async def test_annotations_may_name_things_of_the_function_around() -> None:
    class Local(StrEnum):
        ONLY = "only"

    class Clock:
        now = "noon"

    flow = Flow("local", steps=Local)
    LocalTurn = Turn[Local, None]

    @flow.step(Local.ONLY)
    async def only(turn: LocalTurn, clock: Clock) -> Directive:
        return turn.complete(clock.now)

    run = Caller(flow, services=with_resources(Clock()))
    directive: Any = (await run.run("enter", "only")).directive
    assert bytes(directive.result) == b'"noon"'


async def test_a_callable_object_and_an_unannotated_turn_are_fine() -> None:
    class Handler:
        async def __call__(self, turn, answer: str) -> Directive:  # type: ignore[no-untyped-def]  # because the mistake is the test
            return turn.complete(answer)  # type: ignore[no-any-return]  # because the mistake is the test

    directive: Any = (await Caller(flow_of(Handler(), ask="?")).run("input", "only", "hi")).directive
    assert bytes(directive.result) == b'"hi"'


def test_a_parameter_nothing_is_known_for_is_a_problem() -> None:
    async def handler(turn: AnyTurn, nmae: str, *rest: object) -> Directive:
        return turn.complete()

    found = problems_of(flow_of(handler))
    assert list(found) == ["steps.only [bad_signature]"]


def test_an_annotation_that_exists_only_for_the_type_checker_is_a_problem() -> None:
    async def handler(turn: AnyTurn, amount: Decimal) -> Directive:
        return turn.complete()

    message = problems_of(flow_of(handler))["steps.only [bad_signature]"]
    assert "'Decimal'" in message
    assert "import it at run time" in message
