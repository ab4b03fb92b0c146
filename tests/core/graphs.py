"""Flow graphs of a few short lines, for tests of their shape and of what is wrong with them."""

from __future__ import annotations

from msgspec.structs import replace

from turnflow.core.definition import Accepts, Flow, HandlerStep, Question, WaitSpec
from turnflow.core.ids import FlowName, Json, StepName
from turnflow.core.nodes import (
    ActionStep,
    DecisionStep,
    EndStep,
    Loop,
    Node,
    Output,
    Parallel,
    Sequence,
    Settings,
    Template,
    TimerStep,
)

PLAIN = Settings()


def n(name: str) -> StepName:
    return StepName(name)


def listed(*names: str) -> tuple[StepName, ...]:
    return tuple(StepName(name) for name in names)


def to(target: str, when: str = "", error: str = "", also: tuple[str, ...] = ()) -> Output:
    return Output(n(target), error=tuple(error.split()), when=when, also=listed(*also))


def ways(*outputs: str | Output) -> tuple[Output, ...]:
    return tuple(to(output) if isinstance(output, str) else output for output in outputs)


def act(name: str, *outputs: str | Output, input: Json = None, settings: Settings = PLAIN) -> ActionStep:
    return ActionStep(n(name), "log", template(input if input is not None else {}), ways(*outputs), settings)


def decide(name: str, *outputs: str | Output) -> DecisionStep:
    return DecisionStep(n(name), ways(*outputs))


def sleep(name: str, *outputs: str | Output) -> TimerStep:
    return TimerStep(n(name), duration=1_000, outputs=ways(*outputs))


def end(name: str = "done", output: Json = None) -> EndStep:
    return EndStep(n(name), output=template(output))


def sequence(name: str, steps: str, *outputs: str | Output) -> Sequence:
    return Sequence(n(name), listed(*steps.split()), ways(*outputs))


def parallel(name: str, steps: str, *outputs: str | Output) -> Parallel:
    return Parallel(n(name), listed(*steps.split()), outputs=ways(*outputs))


def loop(name: str, steps: str, *outputs: str | Output, over: Json = "${[1, 2]}") -> Loop:
    return Loop(n(name), listed(*steps.split()), template(over), outputs=ways(*outputs))


def say(name: str, words: str, *outputs: str | Output) -> HandlerStep:
    return HandlerStep(n(name), outputs=ways(*outputs), kind="say", say=template(words), declared=True)


def ask(name: str, words: str, *outputs: str | Output) -> HandlerStep:
    question = Question(WaitSpec(Accepts(("text",))))
    return replace(say(name, words, *outputs), kind="ask", question=question)


def template(value: Json) -> Template:
    return Template(value, static="${" not in repr(value))


def graph(*steps: HandlerStep | Node, start: str = "") -> Flow:
    """A flow graph that starts at its first step, unless told otherwise."""
    return Flow(
        FlowName("f"),
        1,
        n(start) if start else steps[0].name,
        {step.name: step for step in steps if isinstance(step, HandlerStep)},
        nodes={step.name: step for step in steps if not isinstance(step, HandlerStep)},
    )
