"""Know your customer: three things in any order, how far one has come, and a way back from the summary."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from turnflow import Directive, Flow, Media, Registry, Turn, command, days
from turnflow.answers import email, phone, photo, text

Photo = Annotated[Media, photo()]
PassportNumber = Annotated[str, text(pattern=r"[A-Z]{2}\d{7}")]


class Step(StrEnum):
    WELCOME = "welcome"
    EMAIL = "email"
    PHONE = "phone"
    PASSPORT = "passport"
    REVIEW = "review"


@dataclass
class Customer:
    email: str = ""
    phone: str = ""
    passport: str = ""


kyc = Flow("kyc", steps=Step, data=Customer, version=1, idle=days(30), title="Prove who you are")
KycTurn = Turn[Step, Customer]


def menu(turn: KycTurn) -> str:
    return f"{turn.progress.text()} done. Which one next?"


kyc.parallel(start=Step.WELCOME, steps=[Step.EMAIL, Step.PHONE, Step.PASSPORT], join=Step.REVIEW, menu=menu)


@kyc.step(Step.WELCOME)
async def welcome(turn: KycTurn) -> Directive:
    turn.say("We need three things from you. Send them in any order.")
    return turn.done()


@kyc.step(Step.EMAIL, ask="Your e-mail address?", remind=[days(1)])
async def ask_email(turn: KycTurn, answer: Annotated[str, email()]) -> Directive:
    turn.data.email = answer
    return received(turn)


@kyc.step(Step.PHONE, ask="Your phone number?")
async def ask_phone(turn: KycTurn, answer: Annotated[str, phone("GB")]) -> Directive:
    turn.data.phone = answer
    return received(turn)


@kyc.step(Step.PASSPORT, ask="A photo of your passport, or its number?", retry="A photo, or a number like AB1234567.")
async def ask_passport(turn: KycTurn, answer: Photo | PassportNumber) -> Directive:
    turn.data.passport = answer if isinstance(answer, str) else answer.ref
    return received(turn)


def received(turn: KycTurn) -> Directive:
    done, total = turn.progress.completed + 1, turn.progress.total
    turn.say(f"Thank you, that is {done} of {total}." if done < total else "Thank you, that is all of it.")
    return turn.done()


@kyc.step(Step.REVIEW, ask=lambda turn: f"{turn.data.email}, {turn.data.phone} and your passport. Shall I send it?")
async def review(turn: KycTurn, answer: Literal["send", "change"]) -> Directive:
    if answer == "change":
        return turn.back()
    turn.say("Sent. We will look at it within a day.")
    return turn.complete(turn.data)


registry = Registry()
registry.register(kyc, on=[command("start"), command("kyc")])
