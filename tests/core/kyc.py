"""A flow with a parallel group for the tests: e-mail, phone and photo in any order."""

from __future__ import annotations

from msgspec import Raw

from tests.core.play import (
    MINUTE,
    TEXT,
    Asked,
    Play,
    Script,
    a_flow,
    asks,
    marks,
    name,
)
from turnflow.core.definition import Accepts, Flow, HandlerStep, ParallelGroup, WaitSpec
from turnflow.core.directives import Back, Directive, Done, Goto, Next, Stay
from turnflow.core.effects import Say
from turnflow.core.ids import StepName
from turnflow.core.messages import Button
from turnflow.core.state import RunState

PHOTO = WaitSpec(Accepts(("photo",)))
HEADS = ("email", "phone", "photo")
HEADS_ = tuple(name(head) for head in HEADS)


def worker(asked: Asked) -> Directive:
    """A branch's handler: `back`, `goto x`, `next x`, `stay`, anything else completes the branch with it as result."""
    word, _, step = asked.text.partition(" ")
    match word:
        case "back":
            return Back()
        case "goto":
            return Goto(name(step))
        case "next":
            return Next(name(step))
        case "stay":
            return Stay()
        case _:
            return Done(Raw(f'"{asked.text}"'.encode()))


def kyc(*, need: int = 0, redo: bool = True, start: HandlerStep | None = None, timeout: bool = False) -> Flow:
    steps = [
        asks("hello"),
        start or marks("kyc"),
        asks("email"),
        asks("phone", "phone?", WaitSpec(TEXT), "skip"),
        asks("photo", "photo?", PHOTO),
        asks("all"),
        asks("other"),
        asks("extra"),
    ]
    limits = ParallelGroup(
        name("kyc"), tuple(name(head) for head in HEADS), name("all"), need, redo,
        MINUTE if timeout else None, name("other") if timeout else None,
    )  # fmt: skip
    return a_flow(*steps, groups=[limits])


def in_group(flow: Flow, **scripts: Script) -> Play:
    play = Play(
        flow,
        {"hello": lambda _: Next(name("kyc")), **dict.fromkeys((*HEADS, "all", "other", "extra"), worker), **scripts},
    )
    play.start()
    play.types("hi")
    return play


def results(state: RunState) -> dict[StepName, bytes]:
    return {head: bytes(value) for head, value in state.results.items()}


def menu(play: Play) -> list[str]:
    """The buttons of the newest menu, by their texts."""
    menus = [effect.message for effect in play.effects if isinstance(effect, Say) and effect.notice == "menu"]
    return [button.text for row in menus[-1].buttons for button in row if isinstance(button, Button)] if menus else []


def answer(play: Play, head: str, text: str = "x") -> None:
    """Answer one branch's question."""
    if head == "photo":
        play.types(text, kind="photo")
    else:
        play.types(text, fits=tuple(cursor.id for cursor in play.state.cursors if cursor.head == head))
