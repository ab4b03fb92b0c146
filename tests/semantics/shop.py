"""A flow that calls another one, which the tests of section E play."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from turnflow import Directive, Flow, Registry, Turn, command


class Order(msgspec.Struct):
    item: str
    count: int = 1


class Pay(StrEnum):
    ASK = "ask"


def payment(left: list[str] | None = None) -> Flow[Pay, Order]:
    """Asks for a card and ends as the answer says."""
    flow = Flow("payment", steps=Pay, data=Order)

    @flow.step(Pay.ASK, ask=lambda turn: f"Card for {turn.data.count} {turn.data.item}?")
    async def ask(turn: Turn[Pay, Order], answer: str) -> Directive:
        match answer:
            case "broke":
                return turn.fail("no_money", "the account is empty")
            case "never":
                return turn.cancel("does not want to pay")
            case _:
                return turn.complete({"card": answer, "item": turn.data.item})

    @flow.on_exit
    async def leave(turn: Turn[Pay, Order]) -> None:
        if left is not None:
            left.append(f"payment {turn.outcome}")

    return flow


class Shop(StrEnum):
    ITEM = "item"
    PAY = "pay"
    THANKS = "thanks"
    REGRET = "regret"


def shop(pay: Callable[[Turn[Shop, None], str], Directive], *, regret: bool = True) -> Flow[Shop, None]:
    """Asks for an item, calls the payment, and says how that went."""
    flow = Flow("shop", steps=Shop)

    @flow.step(Shop.ITEM, ask="What?")
    async def item(turn: Turn[Shop, None], answer: str) -> Directive:
        turn.scene["item"] = answer
        return pay(turn, answer)

    @flow.step(Shop.PAY, on_error={"child_failed": Shop.REGRET, "child_cancelled": Shop.REGRET} if regret else None)
    async def again(turn: Turn[Shop, None]) -> Directive:
        return turn.call("payment", Order("tea"), then=Shop.THANKS)

    @flow.step(Shop.THANKS)
    async def thanks(turn: Turn[Shop, None]) -> Directive:
        turn.say(f"Paid: {turn.result}.")
        return turn.complete(turn.result)

    @flow.step(Shop.REGRET)
    async def sorry(turn: Turn[Shop, None]) -> Directive:
        turn.say(f"No sale ({turn.result}).")
        return turn.complete("no sale")

    return flow


def selling(*, regret: bool = True, left: list[str] | None = None) -> Registry:
    registry = Registry()
    registry.register(shop(lambda turn, _: turn.next(Shop.PAY), regret=regret), on=[command("start")])
    registry.register_callable(payment(left))
    return registry
