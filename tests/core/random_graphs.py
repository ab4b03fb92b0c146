"""Flow graphs of every shape: all kinds of steps, groups in groups, forks, ways back, retries, expressions that fail."""

from __future__ import annotations

from tests.core.dice import Dice
from tests.core.graphs import template
from turnflow.core.definition import Accepts, Flow, HandlerStep, Policies, Question, Timeout, WaitSpec
from turnflow.core.ids import FlowName, Json, StepName
from turnflow.core.messages import Message
from turnflow.core.nodes import (
    ActionStep,
    DecisionStep,
    EndStep,
    EventStep,
    FlowStep,
    Join,
    Loop,
    Node,
    Output,
    Parallel,
    Poll,
    Retry,
    Sequence,
    Settings,
    TimerStep,
)

CODES = ("exception", "timeout", "own", "own.more", "child_failed", "expression")
CONDITIONS = (
    "input.n > 1",
    "output == 1",
    "has(error.code)",
    "index < 2",
    "run.version == 1",
    "1 / (input.n - 2) == 1",
)
INPUTS: tuple[Json, ...] = (
    {},
    {"n": "${input.n}"},
    {"out": "${output}"},
    {"bad": "${input.nothing}"},
    {"i": "${index}"},
)
LISTS: tuple[Json, ...] = ("${[1, 2, 3]}", [1, 2], [], "${input.items}", "${output}", "${1}", "${input.items}")
DEPTH = 3
JOINS: tuple[Join, ...] = ("all", "any", "n", "settled")


class Drawing:
    """Draws one flow graph from dice."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.steps: dict[StepName, HandlerStep] = {}
        self.nodes: dict[StepName, Node] = {}
        self._count = 0

    def level(self, depth: int, least: int = 1) -> list[StepName]:
        """Draw steps that lead to each other; the first is where the level begins."""
        names = [self._name() for _ in range(least + self.dice.below(4))]
        for place, name in enumerate(names):
            self._step(name, self._outputs(names, place), depth)
        return names

    def _name(self) -> StepName:
        self._count += 1
        return StepName(f"s{self._count}")

    def _outputs(self, names: list[StepName], place: int) -> tuple[Output, ...]:
        dice = self.dice
        later = names[place + 1 :]
        found: list[Output] = []
        if dice.one_in(3):
            found.append(Output(dice.pick(later or names), error=(dice.pick((*CODES, "*", "own.*")),)))
        if dice.one_in(4):
            found.append(Output(dice.pick(names), when=dice.pick(CONDITIONS)))
        if later and not dice.one_in(4):
            to = dice.pick(later)
            also = tuple(name for name in later if name != to and dice.one_in(4))
            found.append(Output(to, also=also))
        return tuple(found)

    def _settings(self) -> Settings:
        dice = self.dice
        retry = None
        if dice.one_in(3):
            on = dice.pick(((), ("own",), ("own.*",)))
            retry = Retry(dice.pick((1, 2)), dice.pick((0, 500)), 2.0, 60_000, 0.0, on, dice.pick((None, 3_000)))
        return Settings(dice.pick((None, None, 5_000)), None, retry, dice.pick((None, None, None, True)))

    def _step(self, name: StepName, outputs: tuple[Output, ...], depth: int) -> None:
        dice, settings = self.dice, self._settings()
        kind = dice.below(18 if depth < DEPTH else 12)
        node: Node | None = None
        if kind < 4:
            node = ActionStep(name, "act", template(dice.pick(INPUTS)), outputs, settings)
        elif kind == 4:
            node = DecisionStep(name, outputs)
        elif kind == 5:
            until = template("${input.when}") if dice.one_in(2) else None
            node = TimerStep(name, 1_000 if until is None else None, until, outputs)
        elif kind == 6:
            poll = Poll("ask", template(dice.pick(INPUTS)), 1_000) if dice.one_in(2) else None
            node = EventStep(
                name, "" if poll else "a.b", dice.pick(("", "event == 1", "event.x")), poll=poll, outputs=outputs,
                settings=settings, correlate=template("${input.n}") if dice.one_in(3) and poll is None else None,
            )  # fmt: skip
        elif kind == 7:
            node = FlowStep(name, FlowName("child"), template(dice.pick((*INPUTS, "${1}"))), outputs, settings)
        elif kind == 8:
            ends = (
                EndStep(name, output=template({"n": "${input.n}"})),
                EndStep(name, "failed"),
                EndStep(name, "cancelled"),
            )
            node = dice.pick(ends) if dice.one_in(3) else ActionStep(name, "act", template({}), outputs, settings)
        elif kind < 12:
            self.steps[name] = self._talk(name, outputs, settings, asks=kind > 9)
        elif kind == 12:
            node = Sequence(name, tuple(self.level(depth + 1)), outputs, settings)
        elif kind < 15:
            members = self.level(depth + 1, least=2)
            join = dice.pick(JOINS)
            node = Parallel(
                name, tuple(members[: 1 + dice.below(len(members))]), dice.pick((1, 2, 16)), join,
                1 if join == "n" else 0, dice.pick(("cancel", "leave")), outputs, settings,
            )  # fmt: skip
        else:
            node = self._loop(name, outputs, settings, depth)
        if node is not None:
            self.nodes[name] = node

    def _loop(self, name: StepName, outputs: tuple[Output, ...], settings: Settings, depth: int) -> Loop:
        dice = self.dice
        steps = tuple(self.level(depth + 1))
        over = template(dice.pick(LISTS)) if not dice.one_in(3) else None
        return Loop(
            name, steps, over,
            "" if over else dice.pick(("index < 3", "index < input.n", "output.x")),
            dice.pick(("", "", "index == 1", "output == 1")), "", dice.pick((1, 2, 5)) if over else 1,
            dice.pick((10, 2)), dice.pick(("fail", "skip")), outputs, settings,
        )  # fmt: skip

    def _talk(self, name: StepName, outputs: tuple[Output, ...], settings: Settings, *, asks: bool) -> HandlerStep:
        dice = self.dice
        if not asks:
            return HandlerStep(name, outputs=outputs, declared=True, settings=settings, kind="say", say=template("hi"))
        wait = WaitSpec(Accepts(("text",)), dice.pick((None, 2_000)), Timeout(), attempts=dice.pick((0, 2)))
        question = Question(wait, dice.pick((None, Message(f"{name}?", (("yes",),)))))
        return HandlerStep(name, "", question, outputs, True, settings=settings, kind="ask", say=template(f"{name}?"))


def a_graph(dice: Dice) -> Flow:
    """Return a flow graph whose edges stay on their levels."""
    drawing = Drawing(dice)
    names = drawing.level(0, least=2)
    return Flow(
        FlowName("f"), 1, names[0], drawing.steps, nodes=drawing.nodes,
        output=dice.pick(({}, {}, {"type": "object"})),
        policies=Policies(ttl=dice.pick((None, None, 600_000))),
        hooks=dice.pick(((), ("error",), ("error", "flow_exit"), ("step_enter", "step_leave", "flow_exit"))),
    )  # fmt: skip
