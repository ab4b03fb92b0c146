"""has() can ask for everything that may be absent, in the form in which problems of documents recommend it."""

from __future__ import annotations

import pytest

from turnflow import Registry, action, open_engine
from turnflow.core.ids import Json
from turnflow.declarative import load_flow
from turnflow.errors import CallerError, UserCodeError

DOCUMENT = """
flow: asking
start: first
steps:
  first: {{kind: decision, outputs: [{{when: "input.way == 'around'", to: done}}, {{to: left_out}}]}}
  left_out:
    action: fails
    input: {{}}
    outputs: [{{error: "*", to: done}}, {{to: done}}]
  done: {{kind: end, output: "${{{expression}}}"}}
"""


@action(name="fails")
async def fails(nothing: Json) -> str:
    raise UserCodeError("no", "it fails")


async def come_to(expression: str, way: str) -> Json:
    registry = Registry()
    registry.register_callable(load_flow(DOCUMENT.format(expression=expression)))
    registry.register_action(fails)
    async with open_engine(registry, store="memory://") as engine:
        return await engine.call("asking", {"way": way})


@pytest.mark.parametrize(
    ("expression", "around", "through"),
    [
        ("has(steps.left_out.output)", False, False),
        ("has(steps.left_out.error)", False, True),
        ("has(steps.left_out) && has(steps.left_out.error)", False, True),
        ("'left_out' in steps ? steps.left_out.error.code : 'none'", "none", "no"),
        ("has(error.code) ? error.code : 'none'", "none", "no"),
        ("has(message.text) ? message.text : 'a program'", "a program", "a program"),
    ],
)
async def test_what_is_absent_can_be_asked_for(expression: str, around: Json, through: Json) -> None:
    assert await come_to(expression, "around") == around
    assert await come_to(expression, "through") == through


async def test_what_is_absent_and_not_asked_for_is_a_failure() -> None:
    with pytest.raises(CallerError, match="no such key"):
        await come_to("message.text", "around")
