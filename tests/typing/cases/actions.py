"""Lines of action authors and callers."""

from __future__ import annotations

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


typed: Action[Order, Receipt] = charge
typed_sync: Action[str, int] = count
mistyped: Action[str, Receipt] = charge  # E: assignment
port: ActionPort = charge


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
