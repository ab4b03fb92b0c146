"""The code of flow graphs behind the port `Handlers`: saying, asking, and reading answers. Everything else is the core's."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from turnflow.answers import Unparsed, options_for, parser_for
from turnflow.answers.parsers import Parser
from turnflow.core import directives
from turnflow.core.definition import Flow, HandlerStep, WaitSpec
from turnflow.core.effects import RunHandler
from turnflow.core.ids import CursorId, Json, StepName
from turnflow.core.inputs import Input
from turnflow.core.messages import Button, Message
from turnflow.core.nodes import Template
from turnflow.core.state import RunState
from turnflow.declarative.checked_schema import value_mistake, with_defaults
from turnflow.errors import InvalidValue, UserCodeError
from turnflow.expressions import template
from turnflow.ports import Answer, Migration, Services

_encoder = msgspec.json.Encoder(order="deterministic")


class GraphHandlers:
    """`ports.Handlers` for a flow graph; it has no code of its own and asks for no resources."""

    __slots__ = ("_buttons", "_flow", "_parsers")

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._parsers: dict[StepName, Parser] = {
            name: parser_for(None, step.question.wait.accepts)
            for name, step in flow.steps.items()
            if step.question is not None
        }
        self._buttons = {name: _buttons(step) for name, step in flow.steps.items() if step.buttons}

    @property
    def definition(self) -> Flow:
        """The frozen flow."""
        return self._flow

    @property
    def wants(self) -> frozenset[type]:
        """Return nothing: flow graphs ask for no resources."""
        return frozenset()

    async def run(self, call: RunHandler, state: RunState, services: Services) -> Answer:
        """Say what a step says, ask what it asks, or read an answer. Raises `UserCodeError` if an expression fails."""
        owed = call.owed
        step = self._flow.steps.get(owed.step)
        if step is not None and step.say is not None:
            if owed.phase == "enter" and step.kind == "say":
                return Answer(directives.Done(), (await self._message(step, call.cursor, services),))
            if owed.phase == "ask":
                return Answer(directives.Stay(), (await self._message(step, call.cursor, services),))
            if owed.phase == "input" and owed.input is not None and step.name in self._parsers:
                return self._answer(step.name, owed.input)
        raise UserCodeError("missing_handler", f"step {owed.step!r} has no code for {owed.phase!r}; deploy it again")

    def fits(self, step: StepName, spec: WaitSpec, input: Input) -> bool:
        """Tell whether an answer would parse."""
        try:
            (self._parsers.get(step) or parser_for(None, spec.accepts))(input)
        except Unparsed:
            return False
        return True

    def matches(self, filter: str, input: Input) -> bool:
        """Say no: flow graphs have no predicates of their own."""
        return False

    def initial(self, given: Mapping[str, Raw]) -> dict[str, Raw]:
        """Return the input of a new run with the defaults of `inputSchema`. Raises `InvalidValue` naming the field."""
        schema = self._flow.input
        if not schema:
            return dict(given)
        plain: dict[str, Json] = {name: msgspec.json.decode(raw) for name, raw in given.items()}
        filled = with_defaults(schema, plain)
        mistake = value_mistake(schema, filled)
        if mistake is not None:
            raise InvalidValue(f"input of flow {self._flow.name!r}: {mistake}")
        assert isinstance(filled, dict)
        return {name: _raw(value) for name, value in filled.items()}

    def decodes(self, data: Mapping[str, Raw]) -> str | None:
        """Return None: what a run of a graph was started with stays as it was."""
        return None

    def migrate(self, version: int, data: Mapping[str, Raw]) -> Migration | None:
        """Return None: runs of graphs finish on the definition they began with."""
        return None

    async def _message(self, step: HandlerStep, cursor: CursorId, services: Services) -> Message:
        text = _said(await services.render(step.say or Template(""), cursor))
        rows = [
            tuple([Button(_said(await services.render(label, cursor)), value=value) for label, value in row])
            for row in self._buttons.get(step.name, ())
        ]
        return Message(text, tuple(rows))

    def _answer(self, step: StepName, input: Input) -> Answer:
        try:
            value = self._parsers[step](input)
        except Unparsed as error:
            return Answer(directives.Refuse(error.reason))
        return Answer(directives.Done(_raw(_shown(value) if isinstance(value, Input) else value)))


def output_problem(flow: Flow, result: Json) -> str | None:
    """Return why the result of a run does not fit the flow's `outputSchema`, or None if it does."""
    return value_mistake(flow.output, result)


def _buttons(step: HandlerStep) -> tuple[tuple[tuple[Template, str], ...], ...]:
    """Return for each button what it says and what answer it gives."""
    accepts = step.question.wait.accepts if step.question is not None else None
    values = dict(options_for(None, accepts)) if accepts is not None else {}
    return tuple(tuple((template(label), values.get(label, label)) for label in row) for row in step.buttons)


def _said(value: Json) -> str:
    return value if isinstance(value, str) else _encoder.encode(value).decode()


def _shown(input: Input) -> Json:
    """Return an answer that is taken as it is: what it consists of, without ids."""
    shown: dict[str, Json] = {"kind": input.kind}
    for name in ("text", "command", "args", "value", "phone"):
        if getattr(input, name):
            shown[name] = getattr(input, name)
    if input.media:
        shown["media"] = [
            {"kind": media.kind, "ref": media.ref, "name": media.name, "mime": media.mime, "size": media.size}
            for media in input.media
        ]
    if input.kind == "location":
        shown |= {"latitude": input.latitude, "longitude": input.longitude}
    if input.items:
        shown["items"] = [_shown(item) for item in input.items]
    return shown


def _raw(value: object) -> Raw:
    return Raw(_encoder.encode(value))
