"""The built-in actions that talk to the engine or to nobody."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

import pytest
from msgspec import Raw

from tests.actions.servers import builtin, call, context
from turnflow import Registry
from turnflow.actions import Action, builtin_actions
from turnflow.core.ids import FlowName, Json, RunId, StepName
from turnflow.errors import UserCodeError
from turnflow.ports import ActionServices


class Notebook:
    """Services that write down what they were asked for."""

    def __init__(self) -> None:
        self.notes: list[tuple[object, ...]] = []

    async def call_action(self, name: str, argument: bytes) -> bytes:
        raise NotImplementedError

    async def start(self, flow: FlowName, data: Mapping[str, Raw], params: Mapping[str, Raw]) -> RunId:
        plain = [{name: json.loads(bytes(value)) for name, value in part.items()} for part in (data, params)]
        self.notes.append((flow, *plain))
        return RunId("child")

    async def publish(self, topic: str, payload: bytes, key: str = "") -> None:
        self.notes.append((topic, json.loads(payload), key))

    async def webhook_token(self, step: StepName) -> str:
        raise NotImplementedError

    def heartbeat(self) -> None:
        raise NotImplementedError

    def progress(self, done: float, note: str = "") -> None:
        raise NotImplementedError

    def partial(self, chunk: bytes) -> None:
        raise NotImplementedError


async def noted(name: str, argument: Json) -> tuple[Json, list[tuple[object, ...]]]:
    notebook = Notebook()
    services: ActionServices = notebook
    result = await builtin(name)(json.dumps(argument).encode(), context(services=services))
    return json.loads(result), notebook.notes


def test_every_built_in_action_has_a_name_and_schemas() -> None:
    registry = Registry()
    names = []
    for found in builtin_actions():
        registry.register_action(found)
        names.append(found.name)
        assert isinstance(found, Action)
        assert found.kind == "sync"
        for schema in (found.input_schema, found.output_schema):
            assert json.loads(json.dumps(schema)) == schema
    assert names == ["http.request", "http.get", "http.post", "log", "transform", "emit", "flow.start"]


@pytest.mark.parametrize("value", [None, 1, "${not evaluated}", {"a": [1, {"b": None}]}])
async def test_transform_returns_its_input(value: Json) -> None:
    assert await call("transform", value) == value


async def test_emit_publishes_topic_payload_and_key() -> None:
    assert await noted("emit", {"topic": "paid", "payload": {"a": [1]}, "key": "7"}) == (
        None,
        [("paid", {"a": [1]}, "7")],
    )
    assert await noted("emit", {"topic": "paid"}) == (None, [("paid", None, "")])


async def test_flow_start_gives_the_run() -> None:
    started = await noted("flow.start", {"flow": "refund", "input": {"order": 7}, "params": {"dry": True}})
    assert started == ({"run": "child"}, [("refund", {"order": 7}, {"dry": True})])
    assert await noted("flow.start", {"flow": "refund"}) == ({"run": "child"}, [("refund", {}, {})])


@pytest.mark.parametrize(("name", "argument"), [("emit", {"topic": "a"}), ("flow.start", {"flow": "a"})])
async def test_what_needs_an_engine_says_so(name: str, argument: Json) -> None:
    with pytest.raises(UserCodeError, match="call it from a flow") as caught:
        await call(name, argument)
    assert caught.value.code == "no_engine"


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("emit", {"topic": ""}),
        ("flow.start", {"flow": ""}),
        ("log", {"message": "x", "level": "loud"}),
        ("log", {"mesage": ""}),
    ],
)
async def test_input_that_does_not_fit_is_refused(name: str, argument: Json) -> None:
    with pytest.raises(UserCodeError) as caught:
        await call(name, argument)
    assert caught.value.code == "invalid_argument"


async def test_a_log_line_is_one_line_with_its_place_and_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "turnflow.flows")
    line: Json = {
        "message": "hello\nERROR forged",
        "level": "warning",
        "fields": {"order": 7, "api_key": "word", "message": "no"},
    }
    assert await call("log", line) is None
    [record] = [record for record in caplog.records if record.name == "turnflow.flows"]
    assert record.levelno == logging.WARNING
    assert "\n" not in record.getMessage()
    assert json.loads(record.getMessage()) == {
        "message": "hello\nERROR forged", "run": "r1", "step": "",
        "fields": {"order": 7, "api_key": "[redacted]", "message": "no"},
    }  # fmt: skip
