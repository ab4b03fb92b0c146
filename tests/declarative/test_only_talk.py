"""A document whose steps only talk is a flow graph like any other."""

from __future__ import annotations

from turnflow import Registry
from turnflow.declarative import load_flow
from turnflow.testing import Rehearsal

GREETING = """
flow: greeting
triggers: [{command: start}]
start: name
steps:
  name: {kind: ask, say: "Who are you?", to: hello}
  hello: {text: "Hello ${steps.name.output}.", to: again}
  again: {kind: ask, say: "Once more?", choices: ["yes", "no"], outputs: [{when: "output == 'yes'", to: name}, {to: bye}]}
  bye: {text: "Goodbye ${steps.name.output}."}
"""


async def test_what_was_answered_can_be_said_and_decided_on() -> None:
    graph = load_flow(GREETING)
    registry = Registry()
    registry.register(graph, on=graph.triggers)
    async with Rehearsal(registry) as play:
        assert await play.say("/start") == ["Who are you?"]
        assert await play.say("Ada") == ["Hello Ada.", "Once more? [yes] [no]"]
        assert await play.press("yes") == ["Who are you?"]
        assert await play.say("Bob") == ["Hello Bob.", "Once more? [yes] [no]"]
        assert await play.press("no") == ["Goodbye Bob."]
