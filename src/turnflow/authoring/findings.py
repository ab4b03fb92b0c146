"""What building a flow found: its problems, and the resources its code cannot do without."""

from __future__ import annotations

from collections.abc import Set
from datetime import timedelta
from difflib import get_close_matches
from enum import Enum
from typing import cast

from turnflow.authoring.durations import millis
from turnflow.authoring.messages import Sayable, message_of
from turnflow.authoring.options import Written
from turnflow.authoring.signatures import Signature, is_async, name_of, signature_of
from turnflow.core.ids import Millis, StepName
from turnflow.core.messages import Message
from turnflow.errors import Problem, UserCodeError


class Findings:
    """Collects problems while a flow is built; each question has an answer even where there is a problem."""

    def __init__(self, step_type: type[Enum], filters: Set[str]) -> None:
        self.step_type = step_type
        self.filters = filters
        self.steps = {cast(str, member.value) for member in step_type}
        self.problems: list[Problem] = []
        self.wants: set[type] = set()

    def add(self, code: str, path: str, message: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(code, path, message))

    def target(self, step: object, path: str) -> StepName | None:
        """Return the name of a step of this flow, or note a problem."""
        if isinstance(step, self.step_type):
            return StepName(cast(str, step.value))
        if isinstance(step, str) and not isinstance(step, Enum) and step in self.steps:
            return StepName(step)
        near = get_close_matches(str(getattr(step, "value", step)), self.steps, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"the steps are: {', '.join(sorted(self.steps))}"
        self.add("unknown_step", path, f"{step!r} is no member of {self.step_type.__name__}; {hint}")
        return None

    def message(self, said: object, path: str) -> Message | None:
        """Return a message, or note a problem; None for nothing said."""
        if said is None:
            return None
        try:
            return message_of(cast(Sayable, said))
        except UserCodeError as error:
            self.add("bad_message", path, str(error))
            return None

    def millis(self, duration: object, path: str) -> Millis | None:
        """Return a duration in milliseconds, or note a problem; None for none."""
        if duration is None or isinstance(duration, timedelta):
            return None if duration is None else millis(duration)
        self.add("bad_duration", path, f"{duration!r} is no duration; write for instance seconds(30) or minutes(5)")
        return None

    def signature(self, written: Written, special: str, path: str, *, asynchronous: bool = False) -> Signature:
        """Return how to call a piece of user code, and note what is wrong with it."""
        signature = signature_of(written.code, special, written.around)
        name = name_of(written.code)
        if asynchronous and not is_async(written.code):
            self.add("not_async", path, f"{name} is not async; write `async def`")
        for complaint in signature.complaints:
            self.add("bad_signature", path, f"{name}: {complaint}")
        self.wants |= signature.wants
        return signature
