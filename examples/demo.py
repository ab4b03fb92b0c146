"""All examples behind one menu: this is what `make demo` serves."""

from enum import StrEnum

from examples.checkout import charge, checkout, payment
from examples.kyc import kyc
from examples.signup import signup
from examples.support import support
from turnflow import Button, Directive, Flow, Registry, Turn, any_text, callback, command, pattern

TOPICS = {
    "Register": "signup",
    "Prove who you are": "kyc",
    "Buy tea and cake": "checkout",
    "Ask for help": "support",
}


class Step(StrEnum):
    MENU = "menu"


menu = Flow("menu", steps=Step, version=1, title="See what there is")


@menu.step(Step.MENU)
async def show(turn: Turn[Step, None]) -> Directive:
    turn.say(
        "Hello! What would you like to do? You can stop with /cancel at any time.\n"
        "And whenever you like, kill this server: as soon as it is back, we go on right here.",
        buttons=[[Button(label, callback=name)] for label, name in TOPICS.items()],
    )
    return turn.complete()


registry = Registry()
registry.register(menu, on=[command("start"), command("help"), any_text()])
registry.register(signup, on=[command("signup"), callback("signup"), pattern(r"sign me up")])
for flow in (kyc, checkout, support):
    registry.register(flow, on=[command(flow.name), callback(flow.name)])
registry.register_callable(payment)
registry.register_action(charge)
