"""A shop: a cart that calls a payment flow, which charges once however often somebody presses."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from turnflow import Directive, Flow, Message, Registry, Turn, action, command, minutes

PRICES = {"tea": 4, "cake": 6}


class Pay(StrEnum):
    CONFIRM = "confirm"


@dataclass
class Bill:
    amount: int = 0


@action
async def charge(bill: Bill) -> str:
    """Ask the bank. The receipt is saved before the handler goes on, and handed back if that has to run again."""
    return f"paid-{bill.amount}"


payment = Flow("payment", steps=Pay, data=Bill, version=1)


def amount(turn: Turn[Pay, Bill]) -> Message:
    return Message(f"That is {turn.data.amount} euros. Pay now?", buttons=[["pay", "cancel"]])


@payment.step(Pay.CONFIRM, ask=amount, timeout=minutes(10), on_timeout="cancel")
async def pay(turn: Turn[Pay, Bill], answer: Literal["pay", "cancel"]) -> Directive:
    if answer == "cancel":
        turn.say("Nothing was charged.")
        return turn.cancel()
    return turn.complete(await turn.call_action(charge, turn.data))


class Shop(StrEnum):
    CART = "cart"
    PAID = "paid"


@dataclass
class Order:
    items: list[str] = field(default_factory=list)


checkout = Flow("checkout", steps=Shop, data=Order, version=1, title="Buy tea and cake")
ShopTurn = Turn[Shop, Order]


def cart(turn: ShopTurn) -> Message:
    items = ", ".join(turn.data.items)
    text = f"In your cart: {items}." if items else "Tea is 4 euros, cake is 6. What would you like?"
    return Message(text, buttons=[[*PRICES], ["check out"]])


@checkout.step(Shop.CART, ask=cart, on_error={"child_cancelled": Shop.CART})
async def fill(turn: ShopTurn, answer: Literal["tea", "cake", "check out"]) -> Directive:
    if answer != "check out":
        turn.data.items.append(answer)
    elif turn.data.items:
        return turn.call(payment, Bill(sum(PRICES[item] for item in turn.data.items)), then=Shop.PAID)
    return turn.repeat()


@checkout.step(Shop.PAID)
async def paid(turn: ShopTurn) -> Directive:
    turn.say(f"Thank you! Your receipt is {turn.result}.")
    return turn.complete({"items": turn.data.items, "receipt": turn.result})


registry = Registry()
registry.register(checkout, on=[command("start"), command("shop")])
registry.register_callable(payment)
registry.register_action(charge)
