"""The flow's data: three kinds of types, one promise each way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from msgspec import Meta, Raw

from tests.authoring.calling import Caller, plain, problems_of
from turnflow.authoring import Flow, Turn
from turnflow.core.directives import Directive
from turnflow.errors import InvalidValue, UserCodeError


class Step(StrEnum):
    ONLY = "only"


class Item(msgspec.Struct):
    name: str
    count: int = 1


class AsStruct(msgspec.Struct):
    name: str = ""
    age: Annotated[int, Meta(ge=0)] = 0
    items: list[Item] = []


@dataclasses.dataclass
class AsDataclass:
    name: str = ""
    age: Annotated[int, Meta(ge=0)] = 0
    items: list[Item] = dataclasses.field(default_factory=list)


class PydanticItem(pydantic.BaseModel):
    name: str
    count: int = 1


class AsModel(pydantic.BaseModel):
    name: str = ""
    age: int = pydantic.Field(0, ge=0)
    items: list[PydanticItem] = []


KINDS: list[type] = [AsStruct, AsDataclass, AsModel]
ITEMS = {AsStruct: Item, AsDataclass: Item, AsModel: PydanticItem}
Change = Callable[[Any], object]


def caller(kind: type, change: Change) -> Caller:
    """Return a run of a flow whose only handler changes the data."""
    flow: Flow[Step, Any] = Flow("f", steps=Step, data=kind)

    @flow.step(Step.ONLY)
    async def only(turn: Turn[Step, Any]) -> Directive:
        change(turn)
        return turn.complete()

    return Caller(flow)


def setting(field: str, value: object) -> Change:
    return lambda turn: setattr(turn.data, field, value)


@pytest.mark.parametrize("kind", KINDS)
async def test_only_changed_fields_are_in_the_patch(kind: type) -> None:
    answer = await caller(kind, setting("name", "Ada")).run("enter", "only")
    assert plain(answer.patch) == {"name": "Ada"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_change_inside_a_list_is_seen(kind: type) -> None:
    made = ITEMS[kind]
    answer = await caller(kind, lambda turn: turn.data.items.append(made(name="pen"))).run("enter", "only")
    assert plain(answer.patch) == {"items": [{"name": "pen", "count": 1}]}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_handler_that_only_reads_changes_nothing(kind: type) -> None:
    answer = await caller(kind, lambda turn: turn.data.name + turn.data.items.__repr__()).run("enter", "only")
    assert answer.patch == {}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_field_set_to_what_it_was_changes_nothing(kind: type) -> None:
    answer = await caller(kind, setting("name", "".join([]))).run("enter", "only")
    assert answer.patch == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("field", "value"), [("age", "many"), ("age", -1), ("age", float("nan")), ("name", None), ("name", object())]
)
async def test_a_value_that_does_not_fit_is_an_error_naming_the_field(kind: type, field: str, value: object) -> None:
    with pytest.raises(UserCodeError, match=rf"data\.{field}\b") as caught:
        await caller(kind, setting(field, value)).run("enter", "only")
    assert caught.value.code == "invalid_data"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wrong_value_deep_inside_names_the_top_field(kind: type) -> None:
    with pytest.raises(UserCodeError, match=r"data\.items\b"):
        await caller(kind, lambda turn: turn.data.items.append({"count": 3})).run("enter", "only")


@pytest.mark.parametrize("kind", KINDS)
async def test_the_whole_data_may_be_replaced(kind: type) -> None:
    def replace(turn: Any) -> None:
        turn.data = kind(name="Bob", age=7)

    assert plain((await caller(kind, replace).run("enter", "only")).patch) == {"name": "Bob", "age": 7}


@pytest.mark.parametrize("kind", KINDS)
async def test_something_else_cannot_replace_the_data(kind: type) -> None:
    def replace(turn: Any) -> None:
        turn.data = {"name": "Bob"}

    with pytest.raises(UserCodeError, match="dict"):
        await caller(kind, replace).run("enter", "only")


async def test_a_field_the_type_does_not_have_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UserCodeError, match="no field 'nmae'; did you mean 'name'"):
        await caller(AsDataclass, setting("nmae", "Ada")).run("enter", "only")


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_run_has_every_field(kind: type) -> None:
    handlers = caller(kind, lambda turn: None).handlers
    assert plain(handlers.initial({"age": Raw(b"3")})) == {"name": "", "age": 3, "items": []}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("given", "named"), [({"age": b'"x"'}, "age"), ({"agge": b"1"}, "agge.*did you mean 'age'")])
def test_initial_data_that_does_not_fit_names_the_field(kind: type, given: dict[str, bytes], named: str) -> None:
    with pytest.raises(InvalidValue, match=named):
        caller(kind, lambda turn: None).handlers.initial({name: Raw(value) for name, value in given.items()})


@pytest.mark.parametrize("kind", KINDS)
def test_stored_data_that_no_longer_fits_says_why(kind: type) -> None:
    handlers = caller(kind, lambda turn: None).handlers
    assert handlers.decodes({"name": Raw(b'"Ada"')}) is None
    assert "age" in str(handlers.decodes({"age": Raw(b'"x"')}))


async def test_stored_data_that_no_longer_fits_is_an_error_when_read() -> None:
    run = caller(AsStruct, lambda turn: turn.data)
    run.state = msgspec.structs.replace(run.state, data={"age": Raw(b'"x"')})
    with pytest.raises(UserCodeError, match="age") as caught:
        await run.run("enter", "only")
    assert caught.value.code == "invalid_data"


@pytest.mark.parametrize("kind", KINDS)
def test_the_definition_describes_the_data(kind: type) -> None:
    schema = msgspec.json.encode(caller(kind, lambda turn: None).handlers.definition.data)
    assert b'"age"' in schema


class Renamed(msgspec.Struct, rename="camel", tag="person", omit_defaults=True, kw_only=True):
    first_name: str = ""
    visits: int = 0


async def test_a_field_set_back_to_its_default_is_in_the_patch() -> None:
    run = caller(Renamed, setting("first_name", "Ada"))
    assert run.data == {"type": "person", "firstName": "", "visits": 0}
    await run.run("enter", "only")
    assert run.data == {"type": "person", "firstName": "Ada", "visits": 0}
    back = caller(Renamed, setting("first_name", ""))
    back.state = msgspec.structs.replace(back.state, data=run.state.data)
    assert plain((await back.run("enter", "only")).patch) == {"firstName": ""}


class Frozen(msgspec.Struct, frozen=True):
    name: str = ""


async def test_frozen_data_is_replaced() -> None:
    def replace(turn: Any) -> None:
        turn.data = msgspec.structs.replace(turn.data, name="Ada")

    assert plain((await caller(Frozen, replace).run("enter", "only")).patch) == {"name": "Ada"}


class Checked(msgspec.Struct):
    low: int = 0
    high: int = 10

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


async def test_rules_between_fields_are_checked_too() -> None:
    with pytest.raises(UserCodeError, match="low is above high"):
        await caller(Checked, setting("low", 11)).run("enter", "only")


class Mixed(msgspec.Struct):
    item: PydanticItem = msgspec.field(default_factory=lambda: PydanticItem(name="pen"))


async def test_a_struct_may_hold_pydantic_models() -> None:
    def count(turn: Any) -> None:
        turn.data.item.count = 2

    assert plain((await caller(Mixed, count).run("enter", "only")).patch) == {"item": {"name": "pen", "count": 2}}


class Aliased(pydantic.BaseModel):
    first_name: str = pydantic.Field("", alias="firstName")


async def test_an_aliased_model_is_stored_under_its_aliases() -> None:
    assert plain((await caller(Aliased, setting("first_name", "Ada")).run("enter", "only")).patch) == {
        "firstName": "Ada"
    }


async def test_a_model_is_stored_as_its_validators_have_it() -> None:
    assert plain((await caller(AsModel, setting("age", "7")).run("enter", "only")).patch) == {"age": 7}


def test_a_type_whose_fields_cannot_be_resolved_is_a_problem_with_the_remedy() -> None:
    class Local(msgspec.Struct):
        pass

    class Holder(msgspec.Struct):
        item: Local

    flow = Flow("f", steps=Step, data=Holder)

    @flow.step(Step.ONLY)
    async def only(turn: Turn[Step, Holder]) -> Directive:
        return turn.complete()

    assert "top of a module" in problems_of(flow)["data [bad_data_type]"]


class TwoNames(pydantic.BaseModel):
    name: str = pydantic.Field("", serialization_alias="out", validation_alias="in")


class Listed(msgspec.Struct, array_like=True):
    name: str = ""


@pytest.mark.parametrize(
    ("kind", "named"), [(TwoNames, "'out'.*'in'"), (Listed, "array_like"), (int, "msgspec.Struct")]
)
def test_a_type_that_cannot_hold_data_is_a_problem_with_the_remedy(kind: Any, named: str) -> None:
    flow: Flow[Step, Any] = Flow("f", steps=Step, data=kind)

    @flow.step(Step.ONLY)
    async def only(turn: Turn[Step, Any]) -> Directive:
        return turn.complete()

    found = problems_of(flow)
    assert list(found) == ["data [bad_data_type]"]
    assert all(word in found["data [bad_data_type]"] for word in named.split(".*"))


async def test_a_flow_without_data_has_none() -> None:
    seen: list[object] = []
    flow = Flow("f", steps=Step)

    @flow.step(Step.ONLY)
    async def only(turn: Turn[Step, None]) -> Directive:
        seen.append(turn.data)
        return turn.complete()

    answer = await Caller(flow).run("enter", "only")
    assert seen == [None]
    assert answer.patch == {}
    with pytest.raises(InvalidValue, match="keeps no data"):
        flow.build().initial({"name": Raw(b"1")})


async def test_the_scene_is_plain_json_and_answered_only_if_it_changed() -> None:
    run = caller(AsStruct, lambda turn: turn.scene.setdefault("tries", 1))
    changed = await run.run("enter", "only", scene={})
    assert changed.scene is not None
    assert bytes(changed.scene) == b'{"tries":1}'
    assert (await run.run("enter", "only", scene={"tries": 1})).scene is None
    untouched = caller(AsStruct, lambda turn: None)
    assert (await untouched.run("enter", "only", scene={"tries": 1})).scene is None


async def test_a_scene_that_is_no_json_is_an_error() -> None:
    with pytest.raises(UserCodeError, match="scene"):
        await caller(AsStruct, lambda turn: turn.scene.update(x=object())).run("enter", "only")


async def test_nothing_of_a_handler_that_raises_is_kept() -> None:
    def fail(turn: Any) -> None:
        turn.data.name = "lost"
        raise RuntimeError("no")

    run = caller(AsStruct, fail)
    with pytest.raises(RuntimeError):
        await run.run("enter", "only")
    assert run.data["name"] == ""
