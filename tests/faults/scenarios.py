"""What people, operators, hosts and time do in each scenario of the crash sweep, step by step."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct


class Says(Struct, frozen=True):
    """Somebody types a line."""

    text: str
    by: str = "ann"
    chat: str = "1"
    door: Literal["deliver", "accept"] = "deliver"
    hurry: bool = False
    """What comes next does not wait for slow handlers."""


class Presses(Struct, frozen=True):
    """Somebody presses a button: the newest with that label, or the `nth` newest message that has one."""

    label: str
    nth: int = 1
    by: str = "ann"
    chat: str = "1"


class Passes(Struct, frozen=True):
    """Time goes by."""

    minutes: float


class Asks(Struct, frozen=True):
    """The operator answers the run that is escalated."""

    text: str
    ends: bool


class Starts(Struct, frozen=True):
    """The host starts a run under a key."""

    flow: str
    key: str
    what: str


Step: TypeAlias = Says | Presses | Passes | Asks | Starts

SCENARIOS: Final[dict[str, tuple[Step, ...]]] = {
    "signup with back and refusal": (
        Says("hello?"),
        Says("/signup"),
        Says("Ada"),
        Says("lots"),
        Says("36"),
        Presses("back"),
        Presses("yes", 1),  # of a question that was left: refused politely
        Says("37"),
        Presses("yes"),
        Says("sign me up", "bob"),
        Says("/cancel", "bob"),
    ),
    "kyc in any order": (
        Says("/kyc"),
        Presses("later"),
        Says("123"),  # which part is this for?
        Presses("phone"),
        Says("a@b.example"),
        Presses("back"),
        Presses("\u2713 email"),
        Says("b@b.example"),
        Presses("back"),
        Presses("\u2192"),
        Presses("send"),
    ),
    "checkout pays once": (
        Says("/checkout"),
        Says("tea"),
        Says("4711"),
        Presses("Pay"),
        Presses("Pay"),
    ),
    "cancel of a nest": (
        Says("/checkout"),
        Says("tea"),
        Says("/cancel"),
        Says("/checkout"),
        Says("milk"),
        Passes(11),
        Says("cake"),
        Says("/cancel"),
    ),
    "time": (
        Says("/patience"),
        Passes(11),
        Passes(10),
        Passes(15),
        Says("one", door="accept"),
        Says("two", door="accept"),
        Passes(1),
        Passes(1),
        Says("bye"),
        Says("/patience", "bob"),
        Says("well", "bob"),
        Passes(60 * 7),
    ),
    "escalation": (
        Says("/help"),
        Says("it is broken"),
        Says("hello?", door="accept"),
        Asks("which one?", ends=False),
        Says("the left one"),
        Asks("turn it round", ends=True),
        Says("maybe"),
        Says("yes"),
    ),
    "a diary in two chats": (
        Says("/diary"),
        Says("one"),
        Says("two", chat="2"),
        Says("three", chat="2", door="accept"),
        Says("end"),
    ),
    "errands in the background": (
        Starts("errand", "k1", "by the host"),
        Says("/orders"),
        Says("post"),
        Says("/orders"),
        Says("bread"),
        Says("enough"),
        Starts("errand", "k1", "by the host"),
    ),
    "a graph in a conversation": (
        Says("/ship"),
        Says("a lamp"),
        Presses("no"),
        Passes(6),
    ),
    "graphs in the background": (
        Starts("invoicing", "g1", "a lamp"),
        Starts("invoicing", "g2", "a chair"),
        Passes(6),
        Starts("invoicing", "g1", "a lamp"),
        Says("hello?", door="accept"),
    ),
    "slow handlers": (
        Says("/slow"),
        Says("work", hurry=True),
        Says("meanwhile"),
        Says("/slow", "bob"),
        Says("work", "bob", hurry=True),
        Says("/cancel", "bob"),
        Says("/slow", "bob"),
    ),
}
