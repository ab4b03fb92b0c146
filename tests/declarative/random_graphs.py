"""Flow graphs drawn at random: a chain of steps of every kind, with groups, forks and error outputs, all of it valid."""

from __future__ import annotations

from string import ascii_letters
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from msgspec.structs import replace

from turnflow import answers
from turnflow.core.definition import Accepts, HandlerStep, Policies, Question, Reminder, Trigger, WaitSpec
from turnflow.core.ids import FlowName, Json, StepName
from turnflow.core.messages import Message
from turnflow.core.nodes import (
    ActionStep,
    DecisionStep,
    EndStep,
    EventStep,
    FlowStep,
    Loop,
    Node,
    Output,
    Parallel,
    Poll,
    Retry,
    Sequence,
    Settings,
    Template,
    TimerStep,
)
from turnflow.declarative import GraphFlow, graph

T = TypeVar("T")

CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
WORDS = st.text(CHARACTERS, min_size=1, max_size=20)
"""Any text a document may hold; the lone dollar sign begins an expression only before a brace."""
TEXTS = st.one_of(
    WORDS.filter(lambda text: "${" not in text),
    st.sampled_from(
        ["yes", "no", "on", "null", "~", "012", "0o14", "1e3", ".5", "- a", "a: b", "#", "1_0", "2020-01-01"]
    ),
    st.sampled_from(
        ["one\ntwo", "one\n\n two\n", " lead", "trail ", "tab\there", "'", '"', "\\", "{", "[a]", "!x", "&a", "*a"]
    ),
)
SAID = st.one_of(TEXTS, st.builds(lambda text: text + " ${input.name}", TEXTS))
CODES = st.lists(st.sampled_from(["http.404", "http.*", "timeout", "x"]), min_size=1, max_size=3, unique=True).map(
    tuple
)
CONDITIONS = st.sampled_from(["input.a == 1", "has(input.b)", "input.name == 'yes'", "1 < 2"])
MILLIS = st.integers(1, 10**9)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    SAID,
)
VALUES: SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=4,
)


TRIGGERS = (
    Trigger("command", "go"),
    Trigger("callback", "a*"),
    Trigger("pattern", "h.llo"),
    Trigger("media", "photo"),
    Trigger("any_text"),
    Trigger("event", "order.*"),
    Trigger("event", "order.paid", "event.data.total > 10"),
    Trigger("schedule", "*/5 1,2 * JAN MON"),
    Trigger("schedule", "0 2 * * *", zone="Asia/Kolkata", catch_up="none", overlap="allow", input={"a": [1, None]}),
)


def maybe(strategy: SearchStrategy[T]) -> SearchStrategy[T | None]:
    return st.none() | strategy


def templates(values: SearchStrategy[Json]) -> SearchStrategy[Template]:
    return values.map(Template)


RETRIES = st.builds(
    Retry,
    st.integers(0, 9),
    st.integers(0, 10**7),
    st.floats(0, 9),
    st.integers(0, 10**7),
    st.floats(0, 1),
    CODES | st.just(()),
    maybe(MILLIS),
)
SETTINGS = st.builds(
    Settings,
    timeout=maybe(MILLIS),
    attempt_timeout=maybe(MILLIS),
    retry=maybe(RETRIES),
    idle_timeout=maybe(MILLIS),
    at_most_once=st.booleans(),
    idempotency_key=maybe(templates(SAID)),
    concurrency=st.integers(0, 5),
    redact=st.lists(TEXTS, max_size=2).map(tuple),
)
ACCEPTS = st.one_of(
    st.builds(answers.text, st.integers(0, 3), maybe(st.integers(3, 9)), maybe(st.just("[a-z]+"))),
    st.builds(
        answers.number, maybe(st.integers(-9, 0)), maybe(st.integers(1, 9) | st.floats(1, 9)), whole=st.booleans()
    ),
    st.sampled_from(
        [
            answers.email(),
            answers.phone(),
            answers.phone("gb"),
            answers.url(),
            answers.date(),
            answers.time(),
            answers.yes_no(),
            answers.yes_no("Ja", "Nein"),
            answers.photo(),
            answers.document(),
            answers.location(),
            answers.contact(),
            answers.any_input(),
            answers.command("skip"),
            Accepts(("text",), "datetime"),
        ]
    ),
)


@st.composite
def waits(draw: DrawFn, accepts: Accepts) -> WaitSpec:
    timeout = draw(maybe(st.integers(10**6, 10**9)))
    reminders = st.builds(Reminder, st.integers(1, 10**6 - 1), maybe(TEXTS.map(Message)))
    return WaitSpec(
        accepts,
        timeout,
        remind=tuple(draw(st.lists(reminders, max_size=2))),
        retry=draw(maybe(TEXTS.map(Message))),
        attempts=draw(st.integers(0, 3)),
        otherwise=draw(maybe(TEXTS.map(Message))),
        who=tuple(draw(st.lists(st.sampled_from(["role:operator", "anyone", "web:1"]), max_size=2))),
        gather=draw(st.sampled_from([0, 1000])),
    )


@st.composite
def asks(draw: DrawFn, name: StepName, outputs: tuple[Output, ...]) -> HandlerStep:
    labels = st.lists(SAID.filter(str.strip), min_size=1, max_size=4, unique_by=lambda text: text.strip().casefold())
    buttons: tuple[tuple[str, ...], ...] = ()
    if draw(st.booleans()):
        chosen = draw(labels)
        accepts = answers.choice(*((label, f"v{index}") for index, label in enumerate(chosen)))
        buttons = draw(st.sampled_from([(tuple(chosen),), tuple((label,) for label in chosen)]))
    else:
        accepts = draw(ACCEPTS)
        if accepts.answer == "yes_no":
            buttons = ((str(accepts.params.get("yes", "Yes")), str(accepts.params.get("no", "No"))),)
        elif draw(st.booleans()):
            buttons = (tuple(draw(labels)),)
            accepts = replace(accepts, kinds=(*accepts.kinds, "press"))
    return HandlerStep(
        name,
        draw(TEXTS | st.just("")),
        Question(draw(waits(accepts))),
        outputs,
        settings=replace(draw(SETTINGS), timeout=None),
        kind="ask",
        say=Template(draw(SAID)),
        buttons=buttons,
    )


@st.composite
def outputs(draw: DrawFn, following: StepName, later: list[StepName]) -> tuple[Output, ...]:
    """Ways on of which the last is the default and leads to the next step."""
    found = []
    for index in range(draw(st.integers(0, 2))):
        target = StepName(draw(st.sampled_from([following, *later])))
        error = draw(st.booleans())
        code = (f"code{index}",) if error else ()
        found.append(Output(target, f"way{index}", code, "" if error else draw(CONDITIONS)))
    also = (later[-1],) if later and later[-1] != following and draw(st.booleans()) else ()
    return (*found, Output(following, draw(st.sampled_from(["", "default"])), also=also))


@st.composite
def steps(draw: DrawFn, name: StepName, ways: tuple[Output, ...]) -> HandlerStep | Node:
    title, settings = draw(TEXTS | st.just("")), draw(SETTINGS)
    given = templates(st.dictionaries(WORDS, VALUES, max_size=3))
    kind = draw(st.sampled_from(["action", "decision", "duration", "until", "topic", "poll", "flow", "say", "ask"]))
    match kind:
        case "action":
            return ActionStep(name, draw(st.sampled_from(["http.get", "log"])), draw(given), ways, settings, title)
        case "decision":
            return DecisionStep(name, ways, settings, title)
        case "duration":
            return TimerStep(name, draw(MILLIS), None, ways, settings, title)
        case "until":
            return TimerStep(name, None, Template(draw(SAID)), ways, settings, title)
        case "topic":
            when, key = draw(st.just("") | CONDITIONS), draw(maybe(templates(SAID)))
            lookback = draw(maybe(st.integers(0, 9)))
            return EventStep(name, "a.b", when, key, lookback, None, False, ways, settings, title)
        case "poll":
            poll = Poll("check", draw(given), draw(MILLIS))
            return EventStep(name, match="has(event.x)", poll=poll, outputs=ways, settings=settings, title=title)
        case "flow":
            return FlowStep(name, FlowName("other"), draw(given), ways, settings, title)
        case "say":
            return HandlerStep(name, title, None, ways, settings=settings, kind="say", say=Template(draw(SAID)))
        case _:
            return draw(asks(name, ways))


@st.composite
def groups(draw: DrawFn, name: StepName, ways: tuple[Output, ...]) -> list[HandlerStep | Node]:
    """A group and its members."""
    members = tuple(StepName(f"{name}_{index}") for index in range(draw(st.integers(1, 3))))
    inner: list[HandlerStep | Node] = [ActionStep(member, "log") for member in members]
    settings, title = draw(SETTINGS), draw(TEXTS | st.just(""))
    match draw(st.sampled_from(["sequential", "parallel", "over", "while"])):
        case "sequential":
            return [Sequence(name, members, ways, settings, title), *inner]
        case "parallel":
            join, need = draw(st.sampled_from([("all", 0), ("any", 0), ("n", 1), ("settled", 0)]))
            rest = draw(st.sampled_from(["cancel", "leave"]))
            limit = draw(st.integers(1, 20))
            return [Parallel(name, members, limit, join, need, rest, ways, settings, title), *inner]  # type: ignore[arg-type]  # drawn words are plain strings
        case "over":
            over = Template(draw(st.lists(VALUES, max_size=3) | st.just("${input.items}")))
            loop = Loop(name, members, over, item="thing", limit=draw(st.integers(1, 3)), on_item_error="skip")
        case _:
            loop = Loop(name, members, while_="input.a == 1", max_iterations=draw(st.integers(1, 99)))
    return [replace(loop, outputs=ways, settings=settings, title=title), *inner]


@st.composite
def graphs(draw: DrawFn) -> GraphFlow:
    """A valid flow graph."""
    names = [StepName(f"{draw(st.sampled_from(ascii_letters))}{index}") for index in range(draw(st.integers(1, 5)))]
    end = StepName("end")
    found: list[HandlerStep | Node] = []
    for index, name in enumerate(names):
        following, *later = [*names[index + 1 :], end]
        ways = draw(outputs(following, later))
        found += draw(groups(name, ways)) if draw(st.booleans()) else [draw(steps(name, ways))]
    outcome = draw(st.sampled_from(["completed", "failed", "cancelled"]))
    message = Template(draw(SAID | st.just("")))
    found.append(EndStep(end, outcome, Template(draw(VALUES)), draw(st.sampled_from(["failed", "late"])), message))  # type: ignore[arg-type]  # drawn words are plain strings
    return graph(
        "drawn",
        start=names[0],
        steps=draw(st.permutations(found)),
        version=draw(st.integers(1, 3)),
        title=draw(TEXTS | st.just("")),
        output=draw(st.just({}) | st.just({"title": "anything"})),
        policies=Policies("chat", "restart", draw(maybe(MILLIS)), draw(maybe(MILLIS)), draw(st.booleans())),
        triggers=draw(st.lists(st.sampled_from(TRIGGERS), max_size=2)),
    )
