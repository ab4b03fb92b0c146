"""The key that an action is called with: the author's, or one of its own for each visit of a step."""

from __future__ import annotations

from turnflow import Registry, action, open_engine
from turnflow.core.ids import Json
from turnflow.declarative import load_flow
from turnflow.ports import ActionContext


@action(name="key")
async def key(nothing: Json, context: ActionContext) -> str:
    return context.key


async def come_to(settings: str) -> Json:
    registry = Registry()
    text = f"flow: keyed\nstart: call\nsteps:\n  call: {{action: key, input: {{}}, settings: {settings}}}\n"
    registry.register_callable(load_flow(text))
    registry.register_action(key)
    async with open_engine(registry, store="memory://") as engine:
        return await engine.call("keyed", {"order": 7})


async def test_a_key_of_the_author_s_is_handed_on_as_it_is() -> None:
    assert await come_to('{idempotencyKey: "order-${input.order}"}') == "order-7"
    assert await come_to('{idempotencyKey: "${string(input.order)}"}') == "7"


async def test_a_call_without_one_has_its_own() -> None:
    assert await come_to("{}") != await come_to("{}")
