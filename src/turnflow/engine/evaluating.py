"""Expressions at work: what a place of a run can see, looked up only as far as an expression refers to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec
from msgspec import Raw

from turnflow.core.definition import Flow
from turnflow.core.evaluation import Evaluate, Evaluation, Flaw, Scope, Value
from turnflow.core.frames import Failure, StepResult
from turnflow.core.graph import structure_of
from turnflow.core.ids import At, Json, StepName
from turnflow.core.nodes import Loop, Template
from turnflow.declarative import output_problem
from turnflow.engine.outcomes import NotLoaded, Outcomes
from turnflow.errors import InvalidExpression, UserCodeError
from turnflow.expressions import compile_expression, compile_template

Fresh: TypeAlias = Mapping[str, StepResult]
VALUE_LIMIT: Final = 1 << 20
"""Most bytes of one evaluated value."""
REFERENCE: Final = b'"$secret"'
ITERATION: Final = re.compile(r"([^/\[\]]+)\[(\d+)\]/")
ASKED_FOR: Final = frozenset({"error", "message"})
"""Roots that may be absent, so that expressions ask has(error.code): then they are there without members."""
REF_LIMIT: Final = 64
"""How many results may point to one another in a row."""


def evaluator(flow: Flow, outcomes: Outcomes, fresh: Fresh, *, begins: bool = False) -> Evaluate:
    """Return what evaluates the expressions of a run. `fresh`: results of this turn that are not committed yet.

    `begins`: the run begins with this turn, so there are no others. It raises `NotLoaded` if a result has to be read from the
    store first.
    """

    def evaluate(asked: Template | str, scope: Scope) -> Evaluation:
        try:
            value = _value(flow, Sight(flow, outcomes, fresh, scope, begins=begins), asked, scope)
        except (UserCodeError, InvalidExpression) as error:
            return Flaw(f"step {scope.step!r}: {error}")
        encoded = msgspec.json.encode(value)
        if len(encoded) > VALUE_LIMIT:
            return Flaw(f"step {scope.step!r}: a value may have {VALUE_LIMIT} bytes, this one has {len(encoded)}")
        if REFERENCE in encoded and isinstance(asked, Template) and _smuggled(asked, encoded):
            return Flaw(
                f"step {scope.step!r}: a value holds a secret reference, which only the flow's author may write"
            )
        problem = output_problem(flow, value) if scope.schema else None
        if problem is not None:
            return Flaw(f"what flow {flow.name!r} came to does not fit its outputSchema: {problem}")
        return Value(Raw(encoded))

    return evaluate


def _smuggled(asked: Template, encoded: bytes) -> bool:
    """Tell whether references to secrets came in with a value, as part of what somebody said or a server answered."""
    return encoded.count(REFERENCE) > msgspec.json.encode(asked.value).count(REFERENCE)


def _value(flow: Flow, sight: Sight, asked: Template | str, scope: Scope) -> Json:
    names = item_names(flow, scope.step)
    if isinstance(asked, Template):
        if asked.static:
            return asked.value
        template = compile_template(asked, names)
        return template.render(sight.values(template.references))
    expression = compile_expression(asked, names)
    return expression.evaluate(sight.values(expression.references))


def item_names(flow: Flow, step: StepName) -> tuple[str, ...]:
    """Return the author's names for the items of the loops around a step, and of the step itself if it is one."""
    around = (*structure_of(flow).loops.get(step, ()), step)
    loops = (flow.nodes.get(name) for name in around)
    return tuple(loop.item for loop in loops if isinstance(loop, Loop) and loop.item)


class Sight:
    """What one place of a run sees."""

    __slots__ = ("_begins", "_flow", "_fresh", "_outcomes", "_scope")

    def __init__(self, flow: Flow, outcomes: Outcomes, fresh: Fresh, scope: Scope, *, begins: bool) -> None:
        self._begins = begins
        self._flow = flow
        self._outcomes = outcomes
        self._fresh = fresh
        self._scope = scope

    def values(self, references: Iterable[tuple[str, ...]]) -> dict[str, Json]:
        """Return the values of the roots that are referred to; what has none is left out."""
        values: dict[str, Json] = {}
        asked = frozenset(references)
        for path in asked:
            root = path[0]
            if root == "steps":
                self._see_step(values, path, asked)
            elif root in ("input", "params", "data"):
                self._see_field(values, path)
            elif root not in values:
                look = LOOKS.get(root)
                found = look(self) if look is not None else self._named_item(root)
                if not found and root in ASKED_FOR and path[:1] not in asked:
                    found = [{}]
                self._keep(values, root, found)
        return values

    @staticmethod
    def _keep(values: dict[str, Json], root: str, found: list[Json]) -> None:
        if found:
            values[root] = found[0]

    def _see_field(self, values: dict[str, Json], path: tuple[str, ...]) -> None:
        scope = self._scope
        fields = {"input": scope.input, "params": scope.params, "data": scope.data}[path[0]]
        seen = values.setdefault(path[0], {})
        assert isinstance(seen, dict)
        for name in (path[1],) if len(path) > 1 else tuple(fields):
            if name in fields and name not in seen:
                seen[name] = msgspec.json.decode(fields[name])

    def _see_step(self, values: dict[str, Json], path: tuple[str, ...], asked: frozenset[tuple[str, ...]]) -> None:
        steps = values.setdefault("steps", {})
        assert isinstance(steps, dict)
        known = structure_of(self._flow).group
        for name in (StepName(path[1]),) if len(path) > 1 else tuple(known):
            if name in known and name not in steps:
                result = self._find(self._path_of(name))
                if result is not None:
                    steps[name] = self._shown(result)
                elif len(path) > 2 and not asked & {path[:1], path[:2]}:
                    steps[name] = {}  # has(steps.X.output) asks for a member of it, which a step that is absent has not

    def _path_of(self, name: StepName) -> str:
        """Return the path of another step as this place means it: in the same iteration of the loops around both."""
        depth = len(structure_of(self._flow).loops.get(name, ()))
        segments = self._scope.prefix.split("/")
        return "".join(f"{segment}/" for segment in segments[:depth] if segment) + name

    def _shown(self, result: StepResult) -> Json:
        shown: dict[str, Json] = {"status": result.status, "attempts": result.attempts}
        if result.error is not None:
            shown["error"] = _failure(result.error)
        if result.status == "completed":
            shown["output"] = self._output(result)
        return shown

    def _find(self, path: str) -> StepResult | None:
        result = self._scope.fresh.get(path) or self._fresh.get(path)
        if result is not None or self._begins:
            return result
        return self._outcomes.get(self._scope.state.run, path)

    def _output(self, result: StepResult, depth: int = 0) -> Json:
        if depth > REF_LIMIT:
            raise UserCodeError("expression", f"the result of {result.path!r} leads round in a circle")
        if result.gathered >= 0:
            return self._gathered(result, depth)
        if result.ref:
            found = self._find(result.ref)
            return self._output(found, depth + 1) if found is not None else None
        return msgspec.json.decode(result.output) if result.output is not None else None

    def _gathered(self, result: StepResult, depth: int) -> Json:
        run = self._scope.state.run
        if result.gathered and not self._begins and not self._outcomes.has_below(run, result.path):
            raise NotLoaded(run, result.path, below=True)
        found: list[Json] = []
        for index in range(result.gathered):
            lane = self._find(f"{result.path}[{index}]")
            counts = lane is not None and lane.visit > result.since_visit and lane.status == "completed"
            found.append(self._output(lane, depth + 1) if lane is not None and counts else None)
        return found

    # --- roots: a list of one value, or of none --------------------------------------------------------------

    def _last(self) -> list[Json]:
        result = self._find(self._scope.last) if self._scope.last else None
        return [] if result is None else [self._output(result)]

    def _error(self) -> list[Json]:
        return [] if self._scope.error is None else [_failure(self._scope.error)]

    def _event(self) -> list[Json]:
        return [] if self._scope.event is None else [msgspec.json.decode(self._scope.event)]

    def _index(self) -> list[Json]:
        found = ITERATION.findall(self._scope.prefix)
        return [int(found[-1][1])] if found else []

    def _item(self) -> list[Json]:
        found = list(ITERATION.finditer(self._scope.prefix))
        for match in reversed(found):
            item = self._item_of(match)
            if item:
                return item
        return []

    def _named_item(self, name: str) -> list[Json]:
        for match in ITERATION.finditer(self._scope.prefix):
            loop = self._flow.nodes.get(StepName(match[1]))
            if isinstance(loop, Loop) and loop.item == name:
                return self._item_of(match)
        return []

    def _item_of(self, match: re.Match[str]) -> list[Json]:
        """Return the item of an iteration; of a loop by condition there is none."""
        result = self._find(f"{self._scope.prefix[: match.start()]}{match[1]}#items")
        if result is None or result.output is None:
            return []
        items, index = self._outcomes.items(self._scope.state.run, result), int(match[2])
        return [msgspec.json.decode(items[index])] if index < len(items) else []

    def _run(self) -> list[Json]:
        state = self._scope.state
        return [
            {
                "id": state.run,
                "flow": state.flow,
                "version": state.version,
                "user": state.user,
                "created": moment(state.created),
                "root": state.parent.root if state.parent is not None else state.run,
            }
        ]

    def _conversation(self) -> list[Json]:
        state = self._scope.state
        return [{"id": state.conversation, "chat": state.chat, "thread": state.thread}]

    def _message(self) -> list[Json]:
        trigger = self._scope.trigger
        if trigger is None:
            return []
        return [{"text": trigger.text, "command": trigger.command, "args": trigger.args, "sender": trigger.sender}]

    def _now(self) -> list[Json]:
        return [moment(self._scope.at)]


LOOKS: Final[dict[str, Callable[[Sight], list[Json]]]] = {
    "output": Sight._last,
    "error": Sight._error,
    "event": Sight._event,
    "index": Sight._index,
    "item": Sight._item,
    "run": Sight._run,
    "conversation": Sight._conversation,
    "message": Sight._message,
    "now": Sight._now,
}


def moment(at: At) -> str:
    """Return a moment as RFC 3339 text."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _failure(failure: Failure) -> dict[str, Json]:
    return {"code": failure.code, "message": failure.message, "step": failure.step, "attempt": failure.attempt}
