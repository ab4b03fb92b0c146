"""Which types the names of expressions have at a place of a flow graph, as far as schemas tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from turnflow.core.definition import Flow, HandlerStep
from turnflow.core.graph import names, structure_of
from turnflow.core.ids import FlowName, Json, StepName
from turnflow.core.nodes import ActionStep, DecisionStep, FlowStep, Loop, Node, Parallel, Template
from turnflow.declarative.inference import Inference, Names
from turnflow.declarative.occurrences import Moment
from turnflow.declarative.value_type import UNKNOWN, ValueType, of_kind, of_members, of_schema
from turnflow.expressions import compile_expression
from turnflow.expressions.leaves import Embedded, is_literal, pieces
from turnflow.expressions.syntax import Node as Tree

Schemas: TypeAlias = tuple[Mapping[str, Json], Mapping[str, Json]]
"""What an action takes, and what it gives."""


class Surroundings(NamedTuple):
    """What a flow may call, as far as it is known."""

    actions: Mapping[str, Schemas] = {}
    flows: Mapping[FlowName, Flow] = {}
    are_complete: bool = False
    """There are no other actions and flows."""


NOTHING: Final = Surroundings()


FAILURE: Final = of_members(
    {"code": of_kind("string"), "message": of_kind("string"), "step": of_kind("string"), "attempt": of_kind("int")}
)
TEXTS: Final = frozenset({"choice", "text", "email", "phone", "url", "date", "time", "datetime"})
"""Kinds of answers that come to a text."""


class Sight:
    """The types of names wherever an expression of a flow may stand."""

    def __init__(self, flow: Flow, around: Surroundings) -> None:
        self._flow = flow
        self._around = around
        self._called = tuple(sorted({loop.item for loop in _loops(flow) if loop.item}))
        self._outputs = {name: self._output(step) for name, step in names(flow).items()}
        steps = {str(name): of_members({"output": output, "error": FAILURE}) for name, output in self._outputs.items()}
        self._everywhere = {
            "input": of_schema(dict(flow.input)) if flow.input else UNKNOWN,
            "params": of_schema(dict(flow.params)) if flow.params else UNKNOWN,
            "steps": of_members(steps),
            "error": FAILURE,
            "index": of_kind("int"),
            "now": of_kind("string"),
        }
        self._items: dict[StepName, ValueType] = {}

    def names(self, step: StepName, moment: Moment) -> Names:
        """Return the types of the names that an expression of a step may use; others are unknown."""
        found = {**self._everywhere, **self._named_items(step, moment)}
        if moment == "after" and not isinstance(names(self._flow)[step], DecisionStep):
            found["output"] = self._outputs[step]
        return found

    def tree(self, source: str) -> Tree:
        """Return the syntax of an expression. Raises `InvalidExpression`."""
        return compile_expression(source, self._called).tree

    def trees(self, text: str) -> list[Tree]:
        """Return the syntax of each expression in a text. Raises `InvalidExpression`."""
        return [self.tree(piece.source) for piece in pieces(text) if isinstance(piece, Embedded)]

    def type_of(self, value: Json, step: StepName) -> ValueType:
        """Return what a template of a step comes to. Raises `InvalidExpression`."""
        match value:
            case str() if not is_literal(value):
                found = pieces(value)
                if len(found) == 1 and isinstance(found[0], Embedded):
                    return Inference(self.names(step, "before")).type_of(self.tree(found[0].source))
                return of_kind("string")
            case None:
                return of_kind("null")
            case bool():
                return of_kind("bool")
            case int():
                return of_kind("int")
            case float():
                return of_kind("double")
            case str():
                return of_kind("string")
            case list():
                return of_kind("list")
            case dict():
                return of_kind("map")

    def _output(self, step: HandlerStep | Node) -> ValueType:
        match step:
            case ActionStep(action=action) if action in self._around.actions:
                return of_schema(dict(self._around.actions[action][1]))
            case FlowStep(flow=flow) if flow in self._around.flows:
                schema = self._around.flows[flow].output
                return of_schema(dict(schema)) if schema else UNKNOWN
            case Loop() | Parallel():
                return of_kind("list")
            case HandlerStep(kind="ask"):
                return _answer(step)
            case _:
                return UNKNOWN

    def _named_items(self, step: StepName, moment: Moment) -> dict[str, ValueType]:
        """Return the types of `item` and of what loops call it, for the loops around a place."""
        found: dict[str, ValueType] = {}
        around = [self._flow.nodes[name] for name in structure_of(self._flow).loops[step]]
        if moment in ("while", "until"):
            around.append(self._flow.nodes[step])
        for loop in around:
            if isinstance(loop, Loop) and loop.over is not None:
                found["item"] = self._item(loop, loop.over)
                if loop.item:
                    found.setdefault(loop.item, found["item"])
        return found

    def _item(self, loop: Loop, over: Template) -> ValueType:
        if loop.name not in self._items:
            self._items[loop.name] = self.type_of(over.value, loop.name).item()
        return self._items[loop.name]


def _loops(flow: Flow) -> Iterator[Loop]:
    return (node for node in flow.nodes.values() if isinstance(node, Loop))


def _answer(step: HandlerStep) -> ValueType:
    accepts = step.question.wait.accepts if step.question is not None else None
    match accepts.answer if accepts is not None else "":
        case "number":
            return of_kind("int", "double")
        case "yes_no":
            return of_kind("bool")
        case answer if answer in TEXTS:
            return of_kind("string")
        case _:
            return UNKNOWN
