"""Flows for tests under faults: small ones that between them use every way a run can move, wait, fail and end."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from tests.faults import graphs
from tests.faults.ledger import Ledger
from turnflow import (
    Directive,
    Failure,
    Flow,
    Message,
    Meta,
    Registry,
    Retry,
    Turn,
    action,
    command,
    hours,
    minutes,
    pattern,
    seconds,
)
from turnflow.ports import ActionContext


@action(name="pay")
async def pay(amount: int, ledger: Ledger, context: ActionContext) -> str:
    ledger.note(context.key, f"paid {amount}")
    return f"receipt {amount}"


@action(name="note")
async def note(what: str, ledger: Ledger, context: ActionContext) -> None:
    ledger.note(context.key, what)


# --- signup: back, refusal, hooks, a timeout to a step ------------------------------------------------------------------


class SignupStep(StrEnum):
    NAME = "name"
    AGE = "age"
    CONFIRM = "confirm"


class Signup(msgspec.Struct):
    name: str = ""
    age: int = 0
    entered: int = 0


signup = Flow("signup", steps=SignupStep, data=Signup)
SignupTurn = Turn[SignupStep, Signup]


@signup.on_step_enter
async def count(turn: SignupTurn) -> None:
    turn.data.entered += 1


@signup.on_exit
async def farewell(turn: SignupTurn) -> None:
    turn.say(f"{turn.outcome} after {turn.data.entered} steps")


@signup.step(SignupStep.NAME, ask="Name?")
async def name(turn: SignupTurn, answer: str) -> Directive:
    turn.data.name = answer
    return turn.next(SignupStep.AGE)


@signup.step(
    SignupStep.AGE,
    ask="Age?",
    retry="1 to 130, please.",
    timeout=hours(24),
    on_timeout=SignupStep.NAME,
    remind=[hours(1)],
)
async def age(turn: SignupTurn, answer: Annotated[int, Meta(ge=1, le=130)]) -> Directive:
    turn.data.age = answer
    return turn.next(SignupStep.CONFIRM)


def summary(turn: SignupTurn) -> Message:
    return Message(f"{turn.data.name}, {turn.data.age}?", buttons=[["yes", "no", "back"]])


@signup.step(SignupStep.CONFIRM, ask=summary)
async def confirm(turn: SignupTurn, answer: Literal["yes", "no", "back"]) -> Directive:
    match answer:
        case "yes":
            return turn.complete(turn.data)
        case "no":
            return turn.cancel()
        case "back":
            return turn.back()


# --- kyc: parts in any order, redo, join, back from the join ------------------------------------------------------------


class KycStep(StrEnum):
    START = "start"
    EMAIL = "email"
    PHONE = "phone"
    PICTURE = "picture"
    JOIN = "join"


class Kyc(msgspec.Struct):
    joins: int = 0


kyc = Flow("kyc", steps=KycStep, data=Kyc)
KycTurn = Turn[KycStep, Kyc]
kyc.parallel(
    start=KycStep.START, steps=[KycStep.EMAIL, KycStep.PHONE, KycStep.PICTURE], join=KycStep.JOIN, timeout=hours(48)
)


@kyc.step(KycStep.EMAIL)
async def email(turn: KycTurn) -> Directive:
    if turn.input is None:
        turn.say("E-mail?")
        return turn.wait("email")
    turn.say(turn.progress.text())
    return turn.done(turn.input.text)


@kyc.step(KycStep.PHONE)
async def phone(turn: KycTurn) -> Directive:
    if turn.input is None:
        turn.say("Phone?")
        return turn.wait("phone")
    return turn.done(turn.input.text)


@kyc.step(KycStep.PICTURE, ask=Message("Picture?", buttons=[["later"]]))
async def picture(turn: KycTurn, answer: Literal["later"]) -> Directive:
    return turn.done(answer)


@kyc.step(KycStep.JOIN)
async def joined(turn: KycTurn) -> Directive:
    if turn.input is None:
        turn.data.joins += 1
        turn.say(f"All there, {turn.data.joins}.", buttons=["send", "back"])
        return turn.wait_callback("send")
    return turn.back() if turn.input.value == "back" else turn.complete(turn.data)


# --- checkout: a nested flow that pays, once ----------------------------------------------------------------------------


class PayStep(StrEnum):
    CARD = "card"
    CONFIRM = "confirm"


class Bill(msgspec.Struct):
    amount: int = 0
    receipt: str = ""


payment = Flow("payment", steps=PayStep, data=Bill)
PayTurn = Turn[PayStep, Bill]


@payment.step(PayStep.CARD, ask="Card?", timeout=minutes(10), on_timeout="cancel")
async def card(turn: PayTurn, answer: str) -> Directive:
    return turn.next(PayStep.CONFIRM)


@payment.step(PayStep.CONFIRM, ask=Message("Pay?", buttons=[["Pay"]]))
async def confirm_payment(turn: PayTurn, answer: Literal["Pay"]) -> Directive:
    turn.data.receipt = await turn.call_action(pay, turn.data.amount)
    await turn.call_action(note, "shipped")
    return turn.complete(turn.data)


@payment.on_exit
async def paid(turn: PayTurn) -> None:
    await turn.call_action(note, f"payment {turn.outcome}")


class CartStep(StrEnum):
    CART = "cart"
    PAID = "paid"


class Cart(msgspec.Struct):
    item: str = ""


checkout = Flow("checkout", steps=CartStep, data=Cart)
CartTurn = Turn[CartStep, Cart]


@checkout.step(CartStep.CART, ask="What?", on_error={"child_cancelled": CartStep.CART}, to=[CartStep.PAID])
async def cart(turn: CartTurn, answer: str) -> Directive:
    turn.data.item = answer
    return turn.call(payment, Bill(amount=42), then=CartStep.PAID)


@checkout.step(CartStep.PAID)
async def done(turn: CartTurn) -> Directive:
    bill = turn.result_as(Bill)
    turn.say(f"{turn.data.item}: {bill.receipt}")
    return turn.complete(turn.data)


@checkout.on_exit
async def left(turn: CartTurn) -> None:
    await turn.call_action(note, f"checkout {turn.outcome}")


# --- patience: reminders, timeouts, idle, gather, retries, on_error -----------------------------------------------------


class PatienceStep(StrEnum):
    ASK = "ask"
    ALBUM = "album"
    SHAKY = "shaky"
    LAST = "last"


class Patience(msgspec.Struct):
    late: int = 0
    album: int = 0
    rescued: int = 0


patience = Flow("patience", steps=PatienceStep, data=Patience, idle=hours(6), ttl=hours(200))
PatienceTurn = Turn[PatienceStep, Patience]


@patience.step(
    PatienceStep.ASK, ask="Well?", remind=[minutes(10), (minutes(20), "Still there?")], timeout=minutes(30),
    on_timeout=PatienceStep.ALBUM,
)  # fmt: skip
async def ask(turn: PatienceTurn, answer: str) -> Directive:
    return turn.next(PatienceStep.ALBUM)


@patience.step(PatienceStep.ALBUM, ask="Pictures?", gather=seconds(2))
async def album(turn: PatienceTurn) -> Directive:
    turn.data.album = len(turn.input.items) if turn.input is not None else 0
    return turn.next(PatienceStep.SHAKY)


@patience.step(PatienceStep.SHAKY, retries=Retry(count=1, delay=seconds(5)))
async def shaky(turn: PatienceTurn) -> Directive:
    await turn.call_action(note, "tried")
    if turn.attempt < 3:
        raise RuntimeError("the other side is not there")
    return turn.next(PatienceStep.LAST)


@patience.on_error
async def rescue(turn: PatienceTurn, error: Failure) -> Directive:
    turn.data.rescued += 1
    turn.say(f"rescued from {error.code}")
    return turn.repeat()


@patience.step(PatienceStep.LAST, ask="Last word?")
async def last(turn: PatienceTurn, answer: str) -> Directive:
    return turn.complete(turn.data)


# --- help: an operator ----------------------------------------------------------------------------------------------------


class HelpStep(StrEnum):
    ASK = "ask"
    RATE = "rate"


helpdesk = Flow("helpdesk", steps=HelpStep)
HelpTurn = Turn[HelpStep, None]


@helpdesk.step(HelpStep.ASK, ask="What is wrong?")
async def wrong(turn: HelpTurn, answer: str) -> Directive:
    return turn.escalate(answer, then=HelpStep.RATE)


@helpdesk.step(HelpStep.RATE, ask="Did it help?")
async def rate(turn: HelpTurn, answer: Literal["yes", "no"]) -> Directive:
    return turn.complete({"helped": answer})


# --- diary: one run per person, whichever chat -------------------------------------------------------------------------


class DiaryStep(StrEnum):
    WRITE = "write"


class Diary(msgspec.Struct):
    lines: list[str] = msgspec.field(default_factory=list)


diary = Flow("diary", steps=DiaryStep, data=Diary, key="user")


@diary.step(DiaryStep.WRITE, ask="Dear diary:")
async def write(turn: Turn[DiaryStep, Diary], answer: str) -> Directive:
    turn.data.lines.append(answer)
    return turn.complete(turn.data) if answer == "end" else turn.repeat()


# --- errand: work in the background, started by a handler and by the host ----------------------------------------------


class ErrandStep(StrEnum):
    GO = "go"


class Errand(msgspec.Struct):
    what: str = ""


errand = Flow("errand", steps=ErrandStep, data=Errand)


@errand.step(ErrandStep.GO)
async def go(turn: Turn[ErrandStep, Errand]) -> Directive:
    await turn.call_action(note, turn.data.what)
    return turn.complete(turn.data)


class OrderStep(StrEnum):
    ORDER = "order"
    WAIT = "wait"


orders = Flow("orders", steps=OrderStep, on_repeat="restart")


@orders.step(OrderStep.ORDER, ask="Which errand?")
async def order(turn: Turn[OrderStep, None], answer: str) -> Directive:
    await turn.start(errand, Errand(answer))
    await turn.start(errand, Errand(answer + " again"))
    return turn.next(OrderStep.WAIT)


@orders.step(OrderStep.WAIT, ask="Enough?")
async def enough(turn: Turn[OrderStep, None], answer: str) -> Directive:
    return turn.complete()


# --- slow: a handler that takes longer than its mailbox waits for it ---------------------------------------------------


class SlowStep(StrEnum):
    ASK = "ask"
    DONE = "done"


class Slow(msgspec.Struct):
    text: str = ""


SLOW: float = 0.06
"""Seconds that slow work takes."""

slow = Flow("slow", steps=SlowStep, data=Slow)


@slow.step(SlowStep.ASK, ask="Ready?")
async def work(turn: Turn[SlowStep, Slow], answer: str) -> Directive:
    await turn.call_action(note, f"before {answer}")
    await asyncio.sleep(SLOW)
    await turn.call_action(note, f"after {answer}")
    await turn.start(errand, Errand(f"slowly, {answer}"))
    turn.data.text = answer
    return turn.next(SlowStep.DONE)


@slow.step(SlowStep.DONE, ask="Done. Anything else?")
async def anything(turn: Turn[SlowStep, Slow], answer: str) -> Directive:
    return turn.complete(turn.data)


def registry() -> Registry:
    """Everything above, known to one engine."""
    flows = Registry()
    flows.register(signup, on=[command("signup"), pattern("sign me up")])
    flows.register(kyc, on=[command("kyc")])
    flows.register(checkout, on=[command("checkout")])
    flows.register_callable(payment)
    flows.register(patience, on=[command("patience")])
    flows.register(helpdesk, on=[command("help")])
    flows.register(diary, on=[command("diary")])
    flows.register(orders, on=[command("orders")])
    flows.register_callable(errand)
    flows.register(slow, on=[command("slow")])
    flows.register_action(pay)
    flows.register_action(note)
    graphs.register(flows)
    return flows
