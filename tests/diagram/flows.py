"""Flows to draw, one for each thing a picture can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from turnflow.core.definition import Accepts, Flow, HandlerStep, Output, ParallelGroup, Question, Timeout, WaitSpec
from turnflow.core.ids import FlowName, StepName
from turnflow.core.messages import Message

TEXT = Accepts(("text",))
MINUTE = 60_000


def step(name: str, to: Sequence[str | Output] | None = None, *, title: str = "", routing: bool = False) -> HandlerStep:
    """Return a step without a question; `to=None` leaves its ways on to its code."""
    outputs = tuple(output if isinstance(output, Output) else Output(StepName(output)) for output in to or ())
    return HandlerStep(StepName(name), title, None, outputs, declared=to is not None, routing=routing)


def asking(name: str, text: str, to: Sequence[str | Output] | None = None, **wait: object) -> HandlerStep:
    """Return a step with a question; `wait` are fields of its `WaitSpec`."""
    plain = step(name, to)
    spec = WaitSpec(TEXT, **wait)  # type: ignore[arg-type]  # the names of the fields are the caller's
    return HandlerStep(plain.name, "", Question(spec, Message(text)), plain.outputs, plain.declared)


def flow(name: str, *steps: HandlerStep, title: str = "", groups: Sequence[ParallelGroup] = (), **more: object) -> Flow:
    """Return a flow that starts with its first step."""
    return Flow(
        FlowName(name),
        1,
        steps[0].name,
        {one.name: one for one in steps},
        {group.name: group for group in groups},
        title=title,
        **more,  # type: ignore[arg-type]  # the names of the fields are the caller's
    )


def group(name: str, branches: Sequence[str], join: str, **more: object) -> ParallelGroup:
    """Return a parallel group."""
    heads = tuple(StepName(head) for head in branches)
    return ParallelGroup(StepName(name), heads, StepName(join), **more)  # type: ignore[arg-type]  # as above


def on_error(to: str, *codes: str) -> Output:
    """Return an error output."""
    return Output(StepName(to), error=codes)


SIGNUP = flow(
    "signup",
    asking("name", "What is your name?"),
    asking("age", "How old are you?", timeout=1440 * MINUTE, on_timeout=Timeout(StepName("name"), "step")),
    asking("confirm", ""),
)
CHECKOUT = flow(
    "checkout",
    asking("cart", "What would you like?", ["address"], attempts=3, on_exhausted=StepName("help")),
    asking("address", "Where to?", ["stock"], timeout=30 * MINUTE, on_timeout=Timeout(None, "cancel")),
    step(
        "stock",
        [Output(StepName("pay"), "in stock"), Output(StepName("cart"), "sold out")],
        title="Left?",
        routing=True,
    ),
    step("pay", ["done", on_error("cart", "card.declined"), on_error("help", "timeout", "*")], title="Pay"),
    asking("help", "What went wrong?", [], timeout=10 * MINUTE),
    step("done", [], title="Thank you"),
    title="Checkout",
)
KYC = flow(
    "kyc",
    step("start", ["email"], title="Your documents"),
    asking("email", "Your e-mail?", timeout=90_000, on_timeout=Timeout(None, "handler")),
    asking("phone", "Your phone number?", ["code"]),
    asking("code", "The code we sent?", ["phone"]),
    asking("passport", "A photo of your passport?"),
    asking("face", "And one of you?"),
    step("complete"),
    groups=[group("start", ["email", "phone", "passport"], "complete", need=2, timeout=4320 * MINUTE)],
)
MIXED = flow(
    "mixed",
    step("first", None, title="Code decides"),
    HandlerStep(StepName("second"), outputs=(Output(StepName("old"), "guess"), on_error("lost", "*"))),
    step("third", []),
    retired={StepName("old"): StepName("third")},
)

ALL: Mapping[str, Flow] = {"signup": SIGNUP, "checkout": CHECKOUT, "kyc": KYC, "mixed": MIXED}
