"""Flow graphs to draw: the example of the guide, groups inside groups, every kind of step, and a very large one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from turnflow.core.definition import Accepts, Flow, HandlerStep, Question, Timeout, WaitSpec
from turnflow.core.ids import FlowName, StepName
from turnflow.core.nodes import (
    ActionStep,
    DecisionStep,
    EndStep,
    EventStep,
    FlowStep,
    Loop,
    Node,
    Output,
    Parallel,
    Poll,
    Template,
    TimerStep,
)
from turnflow.core.nodes import Sequence as InOrder

HOUR = 3_600_000


def name(text: str) -> StepName:
    return StepName(text)


def names(*texts: str) -> tuple[StepName, ...]:
    return tuple(map(StepName, texts))


def to(target: str, *also: str, when: str = "", named: str = "", error: Sequence[str] = ()) -> Output:
    return Output(name(target), named, tuple(error), when, names(*also))


def action(step: str, *outputs: Output, call: str = "") -> ActionStep:
    return ActionStep(name(step), call or f"do.{step}", outputs=outputs)


def talk(step: str, words: str, *outputs: Output, ask: bool = False, timeout: int | None = None) -> HandlerStep:
    wait = WaitSpec(Accepts(("text",)), timeout=timeout, on_timeout=Timeout(None, "fail"))
    question = Question(wait) if ask else None
    say = Template(words, "${" not in words)
    return HandlerStep(name(step), "", question, outputs, declared=True, kind="ask" if ask else "say", say=say)


def graph(title: str, *steps: HandlerStep | Node) -> Flow:
    """Return a flow graph that starts with its first step."""
    handlers = {step.name: step for step in steps if isinstance(step, HandlerStep)}
    nodes = {step.name: step for step in steps if not isinstance(step, HandlerStep)}
    return Flow(FlowName(title), 3, steps[0].name, handlers, nodes=nodes)


REFUND = graph(
    "refund",
    action(
        "lookup",
        to("pay", when="output.body.total < 50.0", named="small"),
        to("apologise", error=["http.404"], named="gone"),
        to("approve", named="default"),
        call="http.get",
    ),
    talk(
        "approve",
        "Refund ${steps.lookup.output.body.total}?",
        to("pay", when="output == 'yes'", named="yes"),
        to("apologise", error=["timeout"], named="expired"),
        to("apologise", named="default"),
        ask=True,
        timeout=24 * HOUR,
    ),
    action("pay", to("done"), call="payments.refund"),
    talk("apologise", "Sorry, that did not work.", to("done")),
    EndStep(name("done")),
)
NESTED = graph(
    "shipping",
    action("load", to("orders"), to("broken", error=["*"]), call="orders.load"),
    Loop(
        name("orders"), names("reserve", "prepare", "notify"), Template("${steps.load.output.orders}"), limit=8,
        on_item_error="skip", outputs=(to("report"),),
    ),
    action("reserve", call="stock.reserve"),
    Parallel(name("prepare"), names("label", "pack", "invoice"), limit=2, join="n", need=2, rest="leave"),
    action("label", call="carrier.label"),
    InOrder(name("pack"), names("pick", "parcels", "weigh")),
    action("pick"),
    Loop(name("parcels"), names("wrap", "seal"), while_="size(steps.pick.output.left) > 0", until="output.full"),
    action("wrap"),
    DecisionStep(name("seal"), (to("tape", when="item.heavy"), to("glue"))),
    action("tape"),
    action("glue"),
    action("weigh", to("pick", error=["scale.*"])),
    FlowStep(name("invoice"), FlowName("invoicing")),
    talk("notify", "Your order is on its way."),
    action("report", to("done"), to("broken", error=["timeout", "http.*"]), call="mail.send"),
    EndStep(name("done")),
    EndStep(name("broken"), "failed", code="shipping_failed"),
)  # fmt: skip
KINDS = graph(
    "kinds",
    action("begin", to("left", "right", named="both"), call="http.post"),
    EventStep(name("left"), "orders.*.paid", "event.total > 10", outputs=(to("choose"), to("late", error=["timeout"]))),
    EventStep(name("right"), poll=Poll("carrier.status", interval=HOUR), outputs=(to("pause"),)),
    TimerStep(name("pause"), 90_000, outputs=(to("until"),)),
    TimerStep(name("until"), until=Template("${input.opens}"), outputs=(to("child"),)),
    FlowStep(name("child"), FlowName("billing"), outputs=(to("wait"),)),
    EventStep(name("wait"), "signed", webhook=True, outputs=(to("choose"),)),
    DecisionStep(
        name("choose"),
        (
            to("late", when="steps.left.output.total > 1000.0 && input.country in ['DE', 'AT', 'CH']", named="large"),
            to("begin", when="output.again", named="again"),
            to("thanks"),
        ),
        title="How much is it?",
    ),
    talk("thanks", "Thank you!"),
    EndStep(name("late"), "cancelled"),
)


def large(count: int = 200) -> Flow:
    """Return a graph of `count` steps: a long way with decisions, errors, ways back, and a group every so often."""
    steps: list[HandlerStep | Node] = []
    for number in range(count - 2):
        following = f"step{number + 1}" if number < count - 3 else "done"
        match number % 10:
            case 3:
                ahead = f"step{min(number + 4, count - 3)}"
                outputs = (to(ahead, when=f"output.total > {number}", named="large"), to(following))
                steps.append(DecisionStep(name(f"step{number}"), outputs))
            case 5:
                back = to(f"step{number - 3}", when="output.again", named="again")
                steps.append(action(f"step{number}", back, to(following)))
            case 7:
                steps.append(TimerStep(name(f"step{number}"), 60_000, outputs=(to(following),)))
            case 8:
                steps.append(action(f"step{number}", to(following), to("broken", error=["http.5*"])))
            case _:
                steps.append(action(f"step{number}", to(following)))
    return graph("large", *steps, EndStep(name("done")), EndStep(name("broken"), "failed"))


GRAPHS: Mapping[str, Flow] = {"refund": REFUND, "nested": NESTED, "kinds": KINDS}
