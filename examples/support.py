"""Support: answers from a list, and a person when the list does not help (`turnflow operator` is where they sit)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from turnflow import Directive, Flow, Registry, Turn, command, hours

ANSWERS = {
    "opening hours": "We are open from 9 to 17, Monday to Friday.",
    "delivery": "Parcels take two to four days.",
}


class Step(StrEnum):
    TOPIC = "topic"
    QUESTION = "question"
    HELPED = "helped"


@dataclass
class Case:
    question: str = ""


support = Flow("support", steps=Step, data=Case, version=1, title="Ask for help")
SupportTurn = Turn[Step, Case]


@support.step(Step.TOPIC, ask="What is it about?", to=[Step.QUESTION, Step.HELPED])
async def topic(turn: SupportTurn, answer: Literal["opening hours", "delivery", "something else"]) -> Directive:
    if answer == "something else":
        return turn.next(Step.QUESTION)
    turn.say(ANSWERS[answer])
    return turn.next(Step.HELPED)


@support.step(Step.QUESTION, ask="Please describe it in a few words.")
async def question(turn: SupportTurn, answer: str) -> Directive:
    turn.data.question = answer
    turn.say("A colleague will read this. You can go on writing here.")
    return turn.escalate(answer, then=Step.HELPED)


@support.step(Step.HELPED, ask="Did that help?", timeout=hours(12), on_timeout="cancel")
async def helped(turn: SupportTurn, answer: bool) -> Directive:
    if not answer:
        return turn.next(Step.QUESTION)
    turn.say("Glad to hear it.")
    return turn.complete(turn.data)


registry = Registry()
registry.register(support, on=[command("start"), command("support")])
