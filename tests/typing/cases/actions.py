"""Lines of action authors and callers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from enum import StrEnum

import msgspec

from turnflow.actions import Action, action
from turnflow.authoring import Turn
from turnflow.core.ids import Json
from turnflow.ports import Action as ActionPort
from turnflow.ports import ActionContext


class Step(StrEnum):
    ONLY = "only"


class Order(msgspec.Struct):
    item: str


class Receipt(msgspec.Struct):
    total: float


class Bank: ...


@action
async def charge(order: Order, bank: Bank) -> Receipt:
    return Receipt(1.0)


@action(name="stock.count")
def count(item: str, context: ActionContext) -> int:
    return 3


@action(name="stories.tell", kind="stream")
async def tell(topic: str) -> AsyncIterator[str]:
    yield topic


@action(kind="stream")
async def receipts(order: Order, bank: Bank, context: ActionContext) -> AsyncGenerator[Receipt, None]:
    yield Receipt(1.0)


@action(kind="stream")
async def own_parts(order: Order) -> Receipt:
    return Receipt(1.0)


@action(kind="long_run")
async def crunch() -> int:
    return 3


@action(kind="batch")  # E: call-overload, untyped-decorator
async def unknown_kind(order: Order) -> int:
    return 3


@action(kind="stream")  # E: arg-type
def blocking_stream(order: Order) -> int:
    return 3


typed: Action[Order, Receipt] = charge
typed_sync: Action[str, int] = count
mistyped: Action[str, Receipt] = charge  # E: assignment
typed_text: Action[str, str] = tell
typed_parts: Action[Order, list[Receipt]] = receipts
typed_own: Action[Order, Receipt] = own_parts
typed_long: Action[None, int] = crunch
mistyped_text: Action[str, list[str]] = tell  # E: assignment
mistyped_parts: Action[Order, Receipt] = receipts  # E: assignment
port: ActionPort = charge
stream_port: ActionPort = tell
schema: dict[str, Json] = charge.input_schema


async def handler(turn: Turn[Step, None]) -> None:
    receipt = await turn.call_action(charge, Order("pen"))
    total: float = receipt.total
    receipt.sum  # E: attr-defined
    await turn.call_action(charge, "pen")  # E: misc
    number: int = await turn.call_action(count, "pen")
    wrong: str = await turn.call_action(count, "pen")  # E: arg-type
    anything: Json = await turn.call_action("charge", {"item": "pen"})
    turn.complete([total, number, wrong, anything])


async def directly() -> None:
    receipt = await charge(Order("pen"), bank=Bank())
    receipt.total.is_integer()
    await charge("pen")  # E: call-overload
