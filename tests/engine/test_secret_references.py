"""Secrets are named by the authors of flows, never by what flows are told."""

from __future__ import annotations

from typing import Any

import pytest

from turnflow import Registry, open_engine
from turnflow.actions import action
from turnflow.declarative import load_flow
from turnflow.errors import CallerError

GRAPH = """
flow: echo
start: send
steps:
  send: {action: keep, input: {mine: {$secret: "env:MINE"}, given: "${input.given}"}}
"""


@action(name="keep")
async def keep(given: dict[str, Any]) -> dict[str, Any]:
    return given


def registry() -> Registry:
    flows = Registry()
    flows.register_callable(load_flow(GRAPH))
    flows.register_action(keep)
    return flows


async def test_a_reference_that_the_author_wrote_reaches_the_action() -> None:
    async with open_engine(registry(), store="memory://") as engine:
        assert await engine.call("echo", {"given": 1}) == {"mine": {"$secret": "env:MINE"}, "given": 1}


async def test_a_reference_that_came_in_with_a_value_is_refused() -> None:
    async with open_engine(registry(), store="memory://") as engine:
        with pytest.raises(CallerError, match="secret reference"):
            await engine.call("echo", {"given": {"$secret": "env:HOME"}})
