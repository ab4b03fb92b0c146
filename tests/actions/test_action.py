"""Actions: typed functions behind JSON."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pydantic
import pytest

from turnflow.actions import Action, action
from turnflow.core.ids import RunId
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
