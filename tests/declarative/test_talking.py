"""A document talks: asks, refuses, decides by the answers, waits no longer than it says, and ends with its result."""

from __future__ import annotations

import pytest

from turnflow.core.codec import digest
from turnflow.declarative import GraphFlow, load_flow
from turnflow.engine import Registry
from turnflow.testing import Rehearsal

SIGNUP = """flow: signup
start: name
triggers: [{command: signup}]
steps:
  name: {kind: ask, say: "Your name?", to: age}
  age:
    kind: ask
    say: "Your age, ${steps.name.output}?"
    accepts: {kind: number, min: 1, max: 130, whole: true}
    invalid: "Once more: {reason}"
    attempts: 2
    onExhausted: bye
    settings: {timeout: 1h}
    outputs:
      - {when: "output < 18", to: young}
      - {error: timeout, to: bye}
      - {to: sure}
  young: {text: "Come back in ${18 - steps.age.output} years.", to: end}
  sure:
    kind: ask
    say: Sure?
    choices: [{label: "Yes, ${steps.name.output}", value: yes}, no]
    outputs: [{when: "output == 'yes'", to: welcome}, {to: bye}]
  welcome: {text: Welcome., to: end}
  bye: {text: Bye., to: end}
  end: {kind: end, output: "${steps.name.output}"}
"""


@pytest.fixture
def signup() -> GraphFlow:
    return load_flow(SIGNUP)


def playing(graph: GraphFlow) -> Rehearsal:
    registry = Registry()
    registry.register(graph, on=graph.triggers)
    return Rehearsal(registry)


async def test_answers_lead_to_the_end_by_typing_and_by_pressing(signup: GraphFlow) -> None:
    async with playing(signup) as play:
        assert await play.say("/signup") == ["Your name?"]
        assert await play.say("Ada") == ["Your age, Ada?"]
        assert await play.say("36") == ["Sure? [Yes, Ada] [no]"]
        assert await play.press("Yes, Ada") == ["Welcome."]
        await play.check()


async def test_a_condition_over_the_answer_chooses_the_way(signup: GraphFlow) -> None:
    async with playing(signup) as play:
        await play.say("/signup")
        await play.say("Ada")
        assert await play.say("12") == ["Come back in 6 years."]
        await play.check()


async def test_answers_that_do_not_fit_are_refused_in_the_author_s_words_until_there_are_too_many(
    signup: GraphFlow,
) -> None:
    async with playing(signup) as play:
        await play.say("/signup")
        await play.say("Ada")
        assert await play.say("old") == ["Once more: Please send a whole number."]
        assert await play.say("200") == ["Bye."]
        await play.check()


async def test_a_question_waits_as_long_as_its_settings_say_also_over_a_restart(signup: GraphFlow) -> None:
    async with playing(signup) as play:
        await play.say("/signup")
        await play.say("Ada")
        await play.restart()
        assert await play.clock(minutes=59) == []
        assert await play.clock(minutes=2) == ["Bye."]
        await play.check()


def test_titles_change_no_digest_and_ways_do(signup: GraphFlow) -> None:
    titled = SIGNUP.replace("{text: Welcome., ", "{title: Greeting, text: Welcome., ")
    assert digest(load_flow(titled).flow) == digest(signup.flow)
    assert digest(load_flow(SIGNUP.replace("output < 18", "output < 21")).flow) != digest(signup.flow)
