"""Actions: typed functions behind JSON."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pydantic
import pytest

from turnflow.actions import Action, action
from turnflow.core.ids import FlowName, Json, RunId, StepName
from turnflow.errors import AuthorError, MissingResource, UserCodeError
from turnflow.ports import Action as ActionPort
from turnflow.ports import ActionContext

if TYPE_CHECKING:
    from decimal import Decimal


class Order(msgspec.Struct):
    item: str
    count: int = 1


@dataclasses.dataclass
class Receipt:
    total: float


class Price(pydantic.BaseModel):
    cents: int


class Bank:
    def __init__(self, price: float = 2.5) -> None:
        self.price = price


@action
async def charge(order: Order, bank: Bank) -> Receipt:
    return Receipt(order.count * bank.price)


def context(*resources: object, attempt: int = 1) -> ActionContext:
    return ActionContext(RunId("r1"), "r1/1/0", attempt, {type(item): item for item in resources})


async def test_the_engine_calls_an_action_with_json_and_gets_json() -> None:
    port: ActionPort = charge
    assert port.name == "charge"
    assert await port(b'{"item":"pen","count":2}', context(Bank())) == b'{"total":5.0}'


async def test_an_action_is_called_directly_with_values() -> None:
    assert await charge(Order("pen", 2), bank=Bank(1.0)) == Receipt(2.0)


async def test_a_name_may_be_given() -> None:
    @action(name="payments.charge")
    async def pay(order: Order) -> str:
        return order.item

    assert pay.name == "payments.charge"
    assert await pay(Order("pen")) == "pen"


async def test_a_sync_function_runs_in_a_thread() -> None:
    @action
    def where(argument: None) -> bool:
        return threading.current_thread() is threading.main_thread()

    assert await where(None) is False
    assert await where(b"null", context()) == b"false"


async def test_the_context_tells_run_key_and_attempt() -> None:
    @action
    async def about(word: str, context: ActionContext) -> list[str | int]:
        return [word, context.run, context.key, context.attempt]

    assert await about(b'"hi"', context(attempt=3)) == b'["hi","r1","r1/1/0",3]'


async def test_an_action_may_take_nothing() -> None:
    @action
    async def ping() -> str:
        return "pong"

    assert await ping(None) == "pong"
    assert await ping(b"null", context()) == b'"pong"'


async def test_pydantic_models_and_json_types_are_arguments_and_results() -> None:
    @action
    async def double(price: Price) -> dict[str, Price]:
        return {"price": Price(cents=price.cents * 2)}

    assert await double(b'{"cents":3}', context()) == b'{"price":{"cents":6}}'
    assert double.decode_result(b'{"price":{"cents":6}}') == {"price": Price(cents=6)}
    assert double.encode_argument(Price(cents=1)) == b'{"cents":1}'


async def test_types_of_the_function_around_are_known() -> None:
    class Local(msgspec.Struct):
        word: str

    @action
    async def shout(argument: Local) -> Local:
        return Local(argument.word.upper())

    assert await shout(b'{"word":"hi"}', context()) == b'{"word":"HI"}'


@pytest.mark.parametrize("argument", [b'{"count":2}', b'{"item":"pen","count":"x"}', b"3", b"{"])
async def test_an_argument_that_does_not_fit_is_a_coded_failure(argument: bytes) -> None:
    with pytest.raises(UserCodeError, match="'charge'") as caught:
        await charge(argument, context(Bank()))
    assert caught.value.code == "invalid_argument"


async def test_a_result_that_does_not_fit_is_a_coded_failure() -> None:
    @action
    async def wrong(order: Order) -> int:
        return "three"  # type: ignore[return-value]  # because the mistake is the test

    with pytest.raises(UserCodeError) as caught:
        await wrong(b'{"item":"pen"}', context())
    assert caught.value.code == "invalid_result"
    with pytest.raises(UserCodeError, match="'wrong'"):
        wrong.decode_result(b'"x"')


async def test_an_authors_own_code_is_kept_and_any_other_failure_is_an_exception() -> None:
    @action
    async def sell(order: Order) -> None:
        if order.count > 3:
            raise UserCodeError("no_stock", "none left")
        raise ConnectionError("no line")

    with pytest.raises(UserCodeError, match="none left") as own:
        await sell(b'{"item":"pen","count":4}', context())
    assert own.value.code == "no_stock"
    with pytest.raises(UserCodeError, match="'sell' failed: ConnectionError: no line") as other:
        await sell(b'{"item":"pen"}', context())
    assert other.value.code == "exception"
    with pytest.raises(ConnectionError):
        await sell(Order("pen"))


async def test_a_missing_resource_is_the_hosts_mistake() -> None:
    assert charge.wants == {Bank}
    with pytest.raises(MissingResource, match=r"'charge' wants a Bank.*resources="):
        await charge(b'{"item":"pen"}', context())
    with pytest.raises(TypeError, match="no resource 'banc'"):
        await charge(Order("pen"), banc=Bank())


async def test_a_resource_with_a_default_may_be_missing() -> None:
    @action
    async def buy(order: Order, bank: Bank | None, limit: int = 3) -> bool:
        return bank is None and limit == 3

    assert await buy(b'{"item":"pen"}', context()) == b"true"


def test_a_parameter_nothing_is_known_for_is_refused() -> None:
    async def unclear(order: Order, limit: int) -> None: ...

    async def unresolved(amount: Decimal) -> None: ...

    with pytest.raises(AuthorError, match="'limit'"):
        action(unclear)
    with pytest.raises(AuthorError, match="'Decimal' cannot be resolved"):
        action(unresolved)


def test_an_untyped_action_takes_and_gives_json() -> None:
    @action
    def echo(argument: Any) -> Any:
        return argument

    assert isinstance(echo, Action)
    assert echo.decode_result(echo.encode_argument({"a": [1]})) == {"a": [1]}


class Watchers:
    """Services that keep the parts they are given."""

    def __init__(self) -> None:
        self.parts: list[object] = []

    async def call_action(self, name: str, argument: bytes) -> bytes:
        raise NotImplementedError

    async def start(self, flow: FlowName, data: Mapping[str, msgspec.Raw], params: Mapping[str, msgspec.Raw]) -> RunId:
        raise NotImplementedError

    async def publish(self, topic: str, payload: bytes, key: str = "") -> None:
        raise NotImplementedError

    async def webhook_token(self, step: StepName) -> str:
        raise NotImplementedError

    def heartbeat(self) -> None:
        raise NotImplementedError

    def progress(self, done: float, note: str = "") -> None:
        raise NotImplementedError

    def partial(self, chunk: bytes) -> None:
        self.parts.append(json.loads(chunk))


async def streamed(of: ActionPort, argument: bytes) -> tuple[object, list[object]]:
    """Call as the engine does, and return the result and the parts that watchers saw."""
    watchers = Watchers()
    result = await of(argument, context()._replace(services=watchers))
    return json.loads(result), watchers.parts


async def test_an_action_is_sync_unless_it_says_more() -> None:
    @action(kind="long_run")
    async def crunch(argument: int) -> int:
        return argument

    @action(name="orders.paid", kind="event")
    def paid(argument: int) -> int:
        return argument

    assert (charge.kind, crunch.kind, paid.kind) == ("sync", "long_run", "event")
    assert (crunch.name, paid.name) == ("crunch", "orders.paid")
    assert await crunch(b"3", context()) == b"3"


async def test_watchers_get_each_part_of_a_text_and_the_flow_the_whole() -> None:
    @action(name="stories.tell", kind="stream")
    async def tell(words: list[str]) -> AsyncIterator[str]:
        for word in words:
            yield word

    assert tell.kind == "stream"
    assert await streamed(tell, b'["once ","upon"]') == ("once upon", ["once ", "upon"])
    assert await streamed(tell, b"[]") == ("", [])
    assert await tell(["a", "b"]) == "ab"
    assert tell.decode_result(b'"ab"') == "ab"


async def test_parts_of_any_other_type_are_a_list() -> None:
    @action(kind="stream")
    async def prices(count: int, bank: Bank) -> AsyncGenerator[Receipt, None]:
        for number in range(count):
            yield Receipt(number * bank.price)

    watchers = Watchers()
    result = await prices(b"2", context(Bank())._replace(services=watchers))
    assert json.loads(result) == watchers.parts == [{"total": 0.0}, {"total": 2.5}]
    assert await prices(1, bank=Bank()) == [Receipt(0.0)]

    @action(kind="stream")
    async def mixed(argument: None) -> AsyncIterator[str | int]:
        yield "a"

    assert await streamed(mixed, b"null") == (["a"], ["a"])


async def test_a_stream_without_annotations_joins_what_is_text() -> None:
    @action(kind="stream")
    async def words(argument: Any):  # type: ignore[no-untyped-def]  # because authors may leave it out
        for part in argument:
            yield part

    assert await streamed(cast(ActionPort, words), b'["a","b"]') == ("ab", ["a", "b"])
    assert await streamed(cast(ActionPort, words), b'["a",1]') == (["a", 1], ["a", 1])
    assert await streamed(cast(ActionPort, words), b"[]") == ([], [])


async def test_a_stream_may_hand_out_its_parts_itself() -> None:
    @action(kind="stream")
    async def own(argument: int, context: ActionContext) -> int:
        assert context.services is not None
        context.services.partial(b'"half"')
        return argument

    assert await streamed(own, b"3") == (3, ["half"])


async def test_a_part_that_does_not_fit_is_a_coded_failure_and_the_generator_is_closed() -> None:
    closed = []

    @action(kind="stream")
    async def wrong(argument: None) -> AsyncIterator[int]:
        try:
            yield 1
            yield "two"  # type: ignore[misc]  # because the mistake is the test
        finally:
            closed.append(True)

    with pytest.raises(UserCodeError, match="part of action 'wrong'") as caught:
        await wrong(b"null", context())
    assert caught.value.code == "invalid_result"
    assert closed == [True]


def test_a_generator_that_nothing_would_run_is_refused() -> None:
    async def parts(argument: int) -> AsyncIterator[int]:
        yield argument

    def old(argument: int) -> Iterator[int]:
        yield argument

    with pytest.raises(AuthorError, match="'parts' is an async generator; say kind='stream'"):
        action(parts)
    with pytest.raises(AuthorError, match="'old' is a generator; make it an async one"):
        action(old)


def test_schemas_are_those_of_the_annotations() -> None:
    order = charge.input_schema
    assert order["$ref"] == "#/$defs/Order"
    defs = cast("dict[str, dict[str, Json]]", order["$defs"])
    assert defs["Order"]["required"] == ["item"]
    assert "Receipt" in cast("dict[str, Json]", charge.output_schema["$defs"])

    @action
    async def ping() -> list[int]:
        return []

    assert ping.input_schema == {"type": "null"}
    assert ping.output_schema == {"type": "array", "items": {"type": "integer"}}


def test_a_stream_has_the_schema_of_its_whole() -> None:
    @action(kind="stream")
    async def tell(words: list[str]) -> AsyncIterator[str]:
        yield ""

    @action(kind="stream")
    async def count(words: list[str]) -> AsyncIterator[int]:
        yield 1

    assert tell.output_schema == {"type": "string"}
    assert count.output_schema == {"type": "array", "items": {"type": "integer"}}


async def test_what_is_not_annotated_may_be_anything() -> None:
    @action
    def echo(argument: Any):  # type: ignore[no-untyped-def]  # because authors may leave it out
        return argument

    @action
    def bare(argument):  # type: ignore[no-untyped-def]  # for the same reason
        return argument

    @action
    def known(argument: object) -> object:
        return argument

    for given in (echo, bare, known):
        assert (given.input_schema, given.output_schema) == ({}, {})
        assert await given(b'{"a":[1]}', context()) == b'{"a":[1]}'


class Leaf(pydantic.BaseModel):
    leaves: list[Leaf] = []


class Tree(pydantic.BaseModel):
    root: Leaf = pydantic.Field(alias="Root")


def references(schema: Json) -> set[str]:
    """Every `$ref` in a schema."""
    match schema:
        case {"$ref": str(reference)}:
            return {reference}
        case dict():
            return set().union(*(references(part) for part in schema.values()))
        case list():
            return set().union(*(references(part) for part in schema))
        case _:
            return set()


def test_references_in_schemas_of_models_lead_somewhere_wherever_the_model_stands() -> None:
    @action
    async def plant(tree: Tree) -> dict[str, Tree | None]:
        return {"tree": tree}

    @action
    async def grow(leaf: Leaf) -> Leaf:
        return leaf

    for schema in (plant.input_schema, plant.output_schema, grow.input_schema):
        known = {f"#/$defs/{name}" for name in cast("dict[str, Json]", schema["$defs"])}
        found = references(schema) | references(schema["$defs"])
        assert found
        assert found <= known
    properties = cast("dict[str, Json]", plant.input_schema["properties"])
    assert set(properties) == {"Root"}
