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


WAITING = """
flow: waiting
triggers: [{command: start}]
start: name
steps:
  name: {kind: ask, say: "Who are you?", settings: {timeout: 10m}, outputs: [{error: timeout, to: gone}, {to: hello}]}
  gone: {text: "${steps.name.error.code}: ${steps.name.error.message}"}
  hello: {text: "${steps.name.status} at attempt ${steps.name.attempts}"}
"""


async def test_why_a_question_failed_can_be_told_by_the_steps_behind_it() -> None:
    graph = load_flow(WAITING)
    registry = Registry()
    registry.register(graph, on=graph.triggers)
    async with Rehearsal(registry) as play:
        await play.say("/start")
        await play.clock(minutes=11)
        assert play.replies == ["timeout: no answer to 'name' in time"]
        await play.say("/start")
        assert await play.say("Ada") == ["completed at attempt 1"]
