"""Calls a flow's code the way the core does, without a core: one call, one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw

from turnflow.authoring import Flow, FlowHandlers
from turnflow.core.definition import Template, WaitSpec
from turnflow.core.effects import RunHandler
from turnflow.core.ids import (
    ConversationId,
    CursorId,
    EffectKey,
    FlowName,
    InputId,
    Json,
    Nonce,
    RunId,
    StepName,
    UserId,
)
from turnflow.core.inputs import Input, typed
from turnflow.core.state import Cursor, Failure, Owed, Phase, RunState, Wait
from turnflow.errors import InvalidFlow
from turnflow.ports import Answer

NOW = 1_700_000_000_000


class RecordedServices:
    """Notes what user code asks of the engine, and answers actions from a script."""

    def __init__(
        self, resources: Mapping[type, object] | None = None, actions: Mapping[str, bytes] | None = None
    ) -> None:
        self.resources: Mapping[type, object] = resources or {}
        self.actions = actions or {}
        self.called: list[tuple[str, bytes]] = []
        self.started: list[tuple[str, dict[str, Any], str | None, str | None]] = []
        self.reported: list[Failure] = []

    def now(self) -> int:
        return NOW

    async def call_action(self, name: str, argument: bytes) -> bytes:
        self.called.append((name, argument))
        return self.actions[name]

    async def render(self, template: Template, cursor: CursorId) -> Json:
        return template.value

    async def start(
        self, flow: FlowName, data: Mapping[str, Raw], conversation: ConversationId | None, user: UserId | None
    ) -> RunId:
        self.started.append((flow, plain(data), conversation, user))
        return RunId("child")

    def report(self, failure: Failure) -> None:
        self.reported.append(failure)


def plain(parts: Mapping[str, Raw]) -> dict[str, Any]:
    """Return encoded fields as plain values."""
    return {name: msgspec.json.decode(part) for name, part in parts.items()}


def text(said: str) -> Input:
    return typed(said, id="i1", sender="u1", at=NOW)


def press(value: str) -> Input:
    return Input(InputId("i1"), "press", UserId("u1"), NOW, value=value)


@dataclass
class Caller:
    """A run of a flow that is put wherever a test wants it."""

    flow: Flow[Any, Any]
    given: Mapping[str, Any] = field(default_factory=dict)
    services: RecordedServices = field(default_factory=RecordedServices)

    def __post_init__(self) -> None:
        self.handlers: FlowHandlers = self.flow.build()
        given = {name: Raw(msgspec.json.encode(value)) for name, value in self.given.items()}
        self.state = RunState(
            RunId("r1"),
            FlowName(self.flow.name),
            self.flow.version,
            conversation=ConversationId("web:1"),
            user=UserId("u1"),
            chat="c1",
            data=self.handlers.initial(given),
            created=NOW - 5000,
            updated=NOW - 1000,
        )

    async def run(
        self,
        phase: Phase,
        step: str,
        input: Input | str | None = None,
        *,
        spec: WaitSpec | None = None,
        scene: Mapping[str, Any] | None = None,
        result: object = None,
        state: RunState | None = None,
        **owed: Any,
    ) -> Answer:
        """Run the code of one phase of a step and return its answer; the data is carried on."""
        wait = Wait(step, Nonce("n"), NOW, spec)
        cursor = Cursor(
            CursorId(0),
            StepName(step),
            wait=None if phase == "enter" else wait,
            scene=Raw(msgspec.json.encode(dict(scene or {}))),
            result=None if result is None else Raw(msgspec.json.encode(result)),
        )
        given = text(input) if isinstance(input, str) else input
        call = RunHandler(EffectKey("k"), cursor.id, Owed(phase, StepName(step), 1, input=given, **owed))
        here = msgspec.structs.replace(state or self.state, cursors=(cursor,))
        answer = await self.handlers.run(call, here, self.services)
        self.state = msgspec.structs.replace(here, data={**here.data, **answer.patch})
        return answer

    @property
    def data(self) -> dict[str, Any]:
        return plain(self.state.data)


def said(answer: Answer) -> list[str]:
    return [message.text for message in answer.says]


def problems_of(flow: Flow[Any, Any]) -> dict[str, str]:
    """Build a flow that must not build; return the problems' messages by `path [code]`."""
    try:
        flow.build()
    except InvalidFlow as error:
        return {f"{problem.path} [{problem.code}]": problem.message for problem in error.problems}
    raise AssertionError("the flow has no problems")


def labels(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    """Return the texts of rows of buttons."""
    return [[button if isinstance(button, str) else button.text for button in row] for row in rows]
