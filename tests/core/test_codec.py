"""What is stored: equal values give equal bytes, nothing unreadable passes, and a digest is about meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, json
from msgspec.structs import replace

from tests.core.dice import Dice
from tests.core.play import TEXT, Asked, Play, a_flow, acts, asks, group, marks, name
from tests.core.random_flows import a_flow as random_flow
from turnflow.core import codec
from turnflow.core.definition import Accepts, Flow, HandlerStep, Output, ParallelGroup, Policies, Reminder, WaitSpec
from turnflow.core.directives import CallFlow, Complete, Directive, Done
from turnflow.core.events import ChildFinished, HandlerAnswered
from turnflow.core.ids import FlowName, Json
from turnflow.core.machine import Entry
from turnflow.core.messages import Button, Media, Message
from turnflow.core.state import SCHEMA, RunState, blank
from turnflow.errors import UndecodableRow


def started() -> RunState:
    return Play(a_flow(asks("a", "a?", WaitSpec(TEXT), "yes"))).start(data={"name": Raw(b'"Ada"')}).state


@given(st.binary(max_size=400).map(Dice))
def test_a_definition_survives_being_stored(dice: Dice) -> None:
    flow = random_flow(dice)
    row = codec.encode_flow(flow)
    assert codec.decode_flow(row) == flow
    assert codec.encode_flow(codec.decode_flow(row)) == row


@pytest.mark.parametrize("value", [b"7", b'"x"', b'{"a":[1,2]}', b"[]", b"true", b"null"])
def test_results_of_every_type_survive_being_stored(value: bytes) -> None:
    """Results of runs, branches, children and answers."""
    ended = Play(a_flow(acts("a")), {"a": lambda _: Complete(Raw(value))}).start().state
    called = Play(a_flow(acts("a"), asks("b")), {"a": lambda _: CallFlow(FlowName("x"), name("b"))}).start()
    called.send(ChildFinished(called.at, called.state.children[0].run, "completed", Raw(value)))
    for state in (ended, called.state):
        again = codec.decode_state(codec.encode_state(state))
        assert again == state
    entry = Entry(1, tuple(called.watch.events))
    assert codec.decode_entry(codec.encode_entry(entry)) == entry
    answer = Entry(1, (HandlerAnswered(1, "k", Done(Raw(value)), scene=Raw(b"{}")),))  # type: ignore[arg-type]  # any key
    assert codec.decode_entry(codec.encode_entry(answer)) == answer


def test_messages_compare_equal_whether_rows_were_lists_or_came_from_a_store() -> None:
    lists, tuples = (
        Message("m", [["yes", Button("no", "n")], ["maybe"]]),
        Message("m", (("yes", Button("no", "n")), ("maybe",))),
    )
    assert lists == tuples
    assert json.decode(json.encode(lists), type=Message) == lists
    assert Message("m", ["yes", "no"]) == Message("m", [["yes"], ["no"]])


def test_equal_states_give_equal_bytes_whatever_the_order_of_their_fields() -> None:
    state = started()
    one = replace(state, data={"a": Raw(b"1"), "b": Raw(b"2")})
    other = replace(state, data={"b": Raw(b"2"), "a": Raw(b"1")})
    assert codec.encode_state(one) == codec.encode_state(other)


ROWS = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'{"run":7}',
    b'{"run":"r","cursors":[{"id":"x"}]}',
    b'{"run":"\xff"}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("row", ROWS)
def test_an_undecodable_row_is_an_error_that_says_what_it_is(row: bytes) -> None:
    for decode, what in (
        (codec.decode_state, "the stored state of a run cannot be read"),
        (codec.decode_entry, "a journal entry cannot be read"),
        (codec.decode_flow, "a stored definition cannot be read"),
    ):
        with pytest.raises(UndecodableRow, match=what):
            decode(row)


def test_the_error_names_the_path_of_what_is_wrong() -> None:
    with pytest.raises(UndecodableRow, match=r"\$\.cursors\[0\]\.id"):
        codec.decode_state(b'{"run":"r","cursors":[{"id":"x","step":"a"}],"schema":1}')


def test_a_row_of_a_newer_turnflow_is_refused_and_not_half_understood() -> None:
    row = json.encode({"run": "r", "schema": SCHEMA + 1, "something": "new"})
    with pytest.raises(UndecodableRow, match=f"schema {SCHEMA + 1}, this one knows {SCHEMA}"):
        codec.decode_state(row)


def test_a_row_older_than_every_upcaster_is_refused() -> None:
    with pytest.raises(UndecodableRow, match="no way to read schema 0"):
        codec.decode_state(b'{"run":"r"}')


@pytest.fixture
def upcaster() -> Iterator[None]:
    def lift(row: dict[str, Json]) -> dict[str, Json]:
        return {**row, "flow": row.pop("flow_name")}

    codec.UPCASTERS[0] = lift
    yield
    del codec.UPCASTERS[0]


@pytest.mark.usefixtures("upcaster")
def test_an_older_row_is_lifted() -> None:
    state = codec.decode_state(b'{"run":"r","flow_name":"f"}')
    assert (state.flow, state.schema) == ("f", SCHEMA)


def test_a_new_run_is_written_in_the_present_schema() -> None:
    assert b'"schema":1' in codec.encode_state(blank(started().run))


# --- the digest -----------------------------------------------------------------------------------------------------


def sample() -> Flow:
    wait = WaitSpec(
        Accepts(("text",), "number", {"min": 1}),
        60_000,
        remind=(Reminder(1_000, Message("hello?")),),
        retry=Message("A number: {reason}"),
        otherwise=Message("text, please"),
    )
    step = HandlerStep(
        name("a"),
        "Your age",
        asks("a", "How old?", wait, "one").question,
        (Output(name("go")),),
        settings=asks("a").settings,
    )
    data: dict[str, Json] = {
        "title": "Signup",
        "type": "object",
        "properties": {"title": {"type": "string", "title": "Title", "description": "as on the card"}},
        "required": ["title"],
    }
    flow = a_flow(step, marks("go"), asks("title", "Title?"), asks("end"), groups=[group("go", ["title"], "end")])
    return replace(flow, title="Sign up", data=data)


def ask(flow: Flow, **more: object) -> Flow:
    step = flow.steps[name("a")]
    assert step.question is not None
    return with_step(flow, replace(step, question=replace(step.question, **more)))


def waiting(flow: Flow, **more: object) -> Flow:
    question = flow.steps[name("a")].question
    assert question is not None
    return ask(flow, wait=replace(question.wait, **more))


def with_step(flow: Flow, step: HandlerStep) -> Flow:
    return replace(flow, steps={**flow.steps, step.name: step})


def with_group(flow: Flow, **more: object) -> Flow:
    whole: ParallelGroup = replace(flow.groups[name("go")], **more)
    return replace(flow, groups={whole.name: whole})


def schema(flow: Flow, **more: Json) -> Flow:
    return replace(flow, data={**flow.data, **more})


WORDING: list[Callable[[Flow], Flow]] = [
    lambda flow: replace(flow, title="Register"),
    lambda flow: with_step(flow, replace(flow.steps[name("a")], title="Age")),
    lambda flow: ask(flow, message=Message("Your age, please", [["one"]])),
    lambda flow: ask(flow, message=Message("How old?", [[Button("ONE", "one")]])),
    lambda flow: ask(flow, message=Message("How old?", [["one"], [Button("help", url="https://x.example")]])),
    lambda flow: ask(flow, message=Message("How old?", [["one"]], (Media("photo", "cat"),))),
    lambda flow: waiting(flow, retry=Message("No: {reason}")),
    lambda flow: waiting(flow, otherwise=Message("write, please")),
    lambda flow: waiting(flow, remind=(Reminder(1_000, Message("still there?")),)),
    lambda flow: schema(flow, title="Registration"),
    lambda flow: schema(flow, description="who you are"),
    lambda flow: schema(flow, properties={"title": {"type": "string", "title": "Heading"}}),
    lambda flow: replace(flow, steps=dict(reversed(list(flow.steps.items())))),
]

MEANING: list[Callable[[Flow], Flow]] = [
    lambda flow: replace(flow, version=2),
    lambda flow: replace(flow, start=name("go")),
    lambda flow: replace(flow, policies=Policies("chat")),
    lambda flow: replace(flow, hooks=("flow_exit",)),
    lambda flow: replace(flow, retired={name("old"): name("a")}),
    lambda flow: replace(flow, steps={key: step for key, step in flow.steps.items() if key != "title"}),
    lambda flow: with_step(flow, replace(flow.steps[name("title")], routing=True)),
    lambda flow: with_step(flow, replace(flow.steps[name("a")], outputs=())),
    lambda flow: ask(flow, message=None),
    lambda flow: ask(flow, message=Message("How old?", [["two"]])),
    lambda flow: ask(flow, message=Message("How old?", [[Button("one", "1")]])),
    lambda flow: ask(flow, message=Message("How old?", [[Button("one", callback="one")]])),
    lambda flow: waiting(flow, timeout=61_000),
    lambda flow: waiting(flow, otherwise=None),
    lambda flow: waiting(flow, accepts=Accepts(("text",), "number", {"min": 2})),
    lambda flow: waiting(flow, remind=(Reminder(2_000, Message("hello?")),)),
    lambda flow: with_group(flow, need=1),
    lambda flow: with_group(flow, menu=Message("Which?")),
    lambda flow: schema(flow, properties={"title": {"type": "integer"}}),
    lambda flow: schema(flow, properties={"name": {"type": "string"}}),
    lambda flow: schema(flow, properties={"title": {"type": "string", "default": {"title": "x"}}}),
    lambda flow: schema(flow, required=[]),
]


@pytest.mark.parametrize("change", WORDING)
def test_rewording_changes_no_digest(change: Callable[[Flow], Flow]) -> None:
    assert change(sample()) != sample() or list(change(sample()).steps) != list(sample().steps)
    assert codec.digest(change(sample())) == codec.digest(sample())


@pytest.mark.parametrize("change", MEANING)
def test_a_change_of_meaning_changes_the_digest(change: Callable[[Flow], Flow]) -> None:
    assert codec.digest(change(sample())) != codec.digest(sample())


def test_the_text_of_a_plain_button_is_its_answer_and_so_part_of_the_meaning() -> None:
    one, two = (a_flow(asks("a", "a?", None, text)) for text in ("yes", "no"))
    assert codec.digest(one) != codec.digest(two)


def test_a_digest_is_the_same_in_every_process() -> None:
    assert codec.digest(a_flow(asks("a"))) == codec.digest(a_flow(asks("a")))
    assert len(codec.digest(sample())) == 32


def test_a_snapshot_stays_small_while_a_conversation_goes_on() -> None:
    def loop(asked: Asked) -> Directive:
        return Complete() if asked.text == "end" else CallFlow(FlowName("x"), name("a"))

    play = Play(a_flow(asks("a")), {"a": loop}).start()
    sizes = []
    for _ in range(400):
        play.types("again")
        play.send(ChildFinished(play.at, play.state.children[0].run, "completed"))
        sizes.append(len(codec.encode_state(play.state)))
    assert max(sizes[250:]) - min(sizes[250:]) < 50
