"""The ways a question goes on by itself: when its time is over, and after too many bad answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from turnflow.core.definition import HandlerStep
from turnflow.core.ids import StepName
from turnflow.diagram.picture import Arrow, Place
from turnflow.diagram.spans import span


def waiting_arrows(step: HandlerStep, place: Callable[[StepName], Place]) -> Iterator[Arrow]:
    """Yield the arrows of a step's question; `place` finds the place of a target.

    A failure that an error output of the step takes has its arrow there.
    """
    if step.question is None:
        return
    here, wait = Place("step", step.name), step.question.wait
    if wait.timeout is not None:
        label = f"after {span(wait.timeout)}"
        match wait.on_timeout.then:
            case "step":
                yield Arrow(here, place(wait.on_timeout.to or StepName("?")), label, "time")
            case "cancel":
                yield Arrow(here, Place("cancelled"), label, "time")
            case "fail":
                if not any({"timeout", "*"} & {*output.error} for output in step.outputs):
                    yield Arrow(here, Place("failed"), label, "time")
            case "handler":
                yield Arrow(here, Place("open", here.name), label, "time", dashed=True)
    if wait.on_exhausted is not None:
        answers = "answer" if wait.attempts == 1 else "answers"
        yield Arrow(here, place(wait.on_exhausted), f"{wait.attempts} bad {answers}", "attempts")
