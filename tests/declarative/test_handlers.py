"""The code of a graph: what it says and asks is rendered, answers are read by their kind, inputs are checked by their schema."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from msgspec import Raw

from turnflow.core.directives import Done, Refuse, Stay
from turnflow.core.effects import RunHandler
from turnflow.core.ids import ConversationId, CursorId, EffectKey, FlowName, InputId, Json, RunId, StepName, UserId
from turnflow.core.inputs import Input, typed
from turnflow.core.messages import Button, Media, Message
from turnflow.core.nodes import Template
from turnflow.core.state import Failure, Owed, Phase, RunState
from turnflow.declarative import load_flow, output_problem
from turnflow.declarative.handlers import GraphHandlers
from turnflow.engine import Registry
from turnflow.errors import InvalidValue, UserCodeError
from turnflow.expressions import compile_template
from turnflow.ports import Answer

HEAD = "flow: f\nstart: a\nsteps:\n  end: {kind: end}\n  a: "


class RenderingServices:
    """Renders templates over fixed values; everything else a graph's code never asks for."""

    resources: Mapping[type, object] = {}

    def __init__(self, values: Mapping[str, Json]) -> None:
        self.values = values

    def now(self) -> int:
        return 1_000

    async def render(self, template: Template, cursor: CursorId) -> Json:
        return compile_template(template).render(self.values)

    async def call_action(self, name: str, argument: bytes) -> bytes:
        raise AssertionError

    async def start(
        self, flow: FlowName, data: Mapping[str, Raw], conversation: ConversationId | None, user: UserId | None
    ) -> RunId:
        raise AssertionError

    def report(self, failure: Failure) -> None:
        raise AssertionError


def code(step: str) -> GraphHandlers:
    return load_flow(HEAD + step).build()


async def run(handlers: GraphHandlers, phase: Phase, input: Input | None = None, **values: Json) -> Answer:
    call = RunHandler(EffectKey("k"), CursorId(0), Owed(phase, StepName("a"), 1, input=input))
    state = RunState(RunId("r"), FlowName("f"), 1)
    return await handlers.run(call, state, RenderingServices({"input": values}))


def text(said: str) -> Input:
    return typed(said, id="i", sender="u", at=5)


async def answer(step: str, input: Input) -> object:
    """Return what an answer to a question came to, or the reason it was refused."""
    directive = (await run(code(step), "input", input)).directive
    if isinstance(directive, Refuse):
        return directive
    assert isinstance(directive, Done)
    assert directive.result is not None
    return msgspec.json.decode(directive.result)


async def test_a_say_step_says_its_rendered_text_and_is_done() -> None:
    said = await run(code("{text: 'Hi ${input.name}, ${input.n}', to: end}"), "enter", name="Ada", n=3)
    assert said == Answer(Done(), (Message("Hi Ada, 3"),))


async def test_a_text_that_is_one_expression_is_said_as_json_unless_it_is_text() -> None:
    handlers = code("{text: '${input.x}', to: end}")
    assert (await run(handlers, "enter", x={"a": [1]})).says == (Message('{"a":[1]}'),)
    assert (await run(handlers, "enter", x="plain")).says == (Message("plain"),)


async def test_a_question_is_asked_with_rendered_buttons_that_carry_their_values() -> None:
    handlers = code("{kind: ask, say: 'Pay?', choices: [{label: 'Pay ${input.sum}', value: pay}, no], to: end}")
    asked = await run(handlers, "ask", sum=12)
    assert asked == Answer(Stay(), (Message("Pay?", [[Button("Pay 12", "pay"), Button("no", "no")]]),))


async def test_yes_and_no_are_buttons_in_any_language() -> None:
    asked = await run(code("{kind: ask, say: 'Gut?', accepts: {kind: yes_no, yes: Ja, no: Nein}, to: end}"), "ask")
    assert asked.says[0].buttons == ((Button("Ja", "yes"), Button("Nein", "no")),)


@pytest.mark.parametrize(
    ("fields", "said", "result"),
    [
        ("accepts: text", " hello ", "hello"),
        ("accepts: number", "12.5", 12.5),
        ("accepts: {kind: number, whole: true}", "12", 12),
        ("accepts: email", "Ada@EXAMPLE.org", "Ada@example.org"),
        ("accepts: date", "31.12.2024", "2024-12-31"),
        ("accepts: time", "2 pm", "14:00:00"),
        ("accepts: yes_no", "yes", True),
        ("choices: [yes, no]", "YES", "yes"),
        ("choices: [{label: Of course, value: y}]", "of course", "y"),
        ("accepts: any", "hello", {"kind": "text", "text": "hello"}),
    ],
)
async def test_an_answer_becomes_the_json_of_its_kind(fields: str, said: str, result: Json) -> None:
    assert await answer(f"{{kind: ask, say: Well?, {fields}, to: end}}", text(said)) == result


async def test_a_press_answers_with_the_value_of_its_button() -> None:
    pressed = Input(InputId("i"), "press", UserId("u"), value="pay")
    step = "{kind: ask, say: Well?, choices: [{label: 'Pay ${input.sum}', value: pay}, no], to: end}"
    assert await answer(step, pressed) == "pay"


async def test_a_file_is_answered_as_a_reference_without_ids_of_the_input() -> None:
    photo = Input(InputId("i"), "photo", UserId("u"), text="me", media=(Media("photo", "file-1", size=9),))
    assert await answer("{kind: ask, say: Well?, accepts: photo, to: end}", photo) == {
        "kind": "photo",
        "text": "me",
        "media": [{"kind": "photo", "ref": "file-1", "name": "", "mime": "", "size": 9}],
    }


async def test_a_place_is_answered_with_its_coordinates() -> None:
    place = Input(InputId("i"), "location", UserId("u"), latitude=1.5, longitude=-2.0)
    found = await answer("{kind: ask, say: Where?, accepts: location, to: end}", place)
    assert found == {"kind": "location", "latitude": 1.5, "longitude": -2.0}


async def test_an_answer_that_does_not_fit_is_refused_with_the_reason() -> None:
    step = "{kind: ask, say: Age?, accepts: {kind: number, min: 1, max: 130}, to: end}"
    assert await answer(step, text("200")) == Refuse("The number must be at most 130.")
    handlers = code(step)
    question = handlers.definition.steps[StepName("a")].question
    assert question is not None
    assert handlers.fits(StepName("a"), question.wait, text("20"))
    assert not handlers.fits(StepName("a"), question.wait, text("200"))


async def test_a_phase_no_graph_has_code_for_is_an_error_that_says_so() -> None:
    with pytest.raises(UserCodeError, match="no code for 'menu'"):
        await run(code("{text: Hi, to: end}"), "menu")


INPUT = """flow: order
inputSchema:
  type: object
  required: [id]
  properties:
    id: {type: string}
    count: {type: integer, minimum: 1, default: 2}
    address: {type: object, properties: {country: {type: string, default: GB}}}
    lines: {type: array, items: {type: object, properties: {n: {type: integer, default: 1}}}}
outputSchema: {type: object, required: [total], properties: {total: {type: number}}}
start: a
steps: {a: {kind: end}}
"""


def raw(**fields: Json) -> dict[str, Raw]:
    return {name: Raw(msgspec.json.encode(value)) for name, value in fields.items()}


def test_input_is_completed_with_defaults_at_every_depth() -> None:
    filled = load_flow(INPUT).build().initial(raw(id="x", address={}, lines=[{}, {"n": 5}]))
    assert {name: msgspec.json.decode(value) for name, value in filled.items()} == {
        "id": "x",
        "count": 2,
        "address": {"country": "GB"},
        "lines": [{"n": 1}, {"n": 5}],
    }


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "id"),
        ({"id": 5}, "id: "),
        ({"id": "x", "count": 0}, "count: "),
        ({"id": "x", "lines": [{"n": 1}, {"n": "y"}]}, r"lines\[1\]\.n: "),
    ],
)
def test_input_that_does_not_fit_is_refused_naming_the_field(given: dict[str, Json], named: str) -> None:
    with pytest.raises(InvalidValue, match=f"input of flow 'order': .*{named}"):
        load_flow(INPUT).build().initial(raw(**given))


def test_a_flow_without_a_schema_takes_any_input_as_it_is() -> None:
    given = raw(a=[1, {"b": None}])
    assert code("{text: Hi, to: end}").initial(given) == given


def test_a_result_is_held_against_the_output_schema() -> None:
    flow = load_flow(INPUT).flow
    assert output_problem(flow, {"total": 5}) is None
    assert output_problem(flow, {"total": "5"}) == 'total: "5" is not of type "number"'
    assert output_problem(load_flow(HEAD + "{text: Hi, to: end}").flow, "anything") is None


def test_a_schema_that_points_elsewhere_is_refused_and_nothing_is_fetched() -> None:
    schema = {"$ref": "http://127.0.0.1:9/schema.json"}
    flow = msgspec.structs.replace(load_flow(INPUT).flow, output=schema)
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        output_problem(flow, {})


def test_a_graph_is_registered_with_the_triggers_of_its_document() -> None:
    graph = load_flow("flow: f\nstart: a\nsteps: {a: {kind: end}}\ntriggers: [{command: go}]")
    registry = Registry()
    registry.register(graph, on=graph.triggers)
    (registration,) = registry.registrations
    assert (registration.flow, registration.triggers) == (graph.flow, graph.triggers)


def test_a_trigger_cannot_start_a_flow_whose_input_it_does_not_have() -> None:
    graph = load_flow(INPUT + "triggers: [any_text]\n")
    with pytest.raises(InvalidValue, match="id"):
        Registry().register(graph, on=graph.triggers)
