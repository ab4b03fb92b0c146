"""The published schema describes what the loader takes: the same fields, the same words, and every field explained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest

from turnflow.core.ids import Json
from turnflow.declarative import document_schema, load_flow, read_document
from turnflow.errors import InvalidFlow

HERE = Path(__file__).parent
REFUND = (HERE / "refund.yaml").read_text()
SHAPES = frozenset({
    "missing_field", "unknown_field", "wrong_type", "bad_duration", "unknown_step_kind", "unknown_group_kind", "unknown_trigger",
    "unknown_accepts", "unknown_word",
})  # fmt: skip
"""Problems of the kind that a schema can see."""


def fits(document: Json) -> bool:
    return jsonschema_rs.validator_for(document_schema(), offline=True).is_valid(document)


def objects(schema: Json, path: str = "") -> Iterator[tuple[str, dict[str, Json]]]:
    if isinstance(schema, dict):
        yield path, schema
        for key, inner in schema.items():
            yield from objects(inner, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, inner in enumerate(schema):
            yield from objects(inner, f"{path}/{index}")


def test_it_is_a_valid_schema_of_its_dialect() -> None:
    schema = document_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(schema)


def test_every_field_is_described_and_no_object_takes_fields_it_does_not_name() -> None:
    for path, schema in objects(document_schema()):
        properties = schema.get("properties")
        if isinstance(properties, dict) and not path.endswith("/properties"):
            assert schema.get("additionalProperties") is False, path
            for name, field in properties.items():
                assert isinstance(field, dict)
                assert str(field.get("description", "")).endswith("."), f"{path} {name}"


def test_the_manual_s_document_fits() -> None:
    assert fits(read_document(REFUND).value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("flow: refund", "flow: 5"),
        ("version: 3", "vresion: 3"),
        ("timeout: 10s", "timeout: 10 seconds"),
        ("jitter: 0.2", "jitter: 2"),
        ("kind: ask", "kind: aks"),
        ("choices: [yes, no]", "choices: []"),
        ("atMostOnce: true", "atMostOnce: 'true'"),
        ("text: ", "txt: "),
        ("kind: end", "kind: sequential"),
        ("start: lookup", "start: lookup\ntriggers: [{happening: x}]"),
        ("start: lookup", "start: lookup\ntriggers: [{event: x, where: y}]"),
        ("start: lookup", "start: lookup\npolicies: {key: everybody}"),
        ("start: lookup", "start: lookup\ngroups: {g: {kind: loop}}"),
    ],
)
def test_schema_and_loader_refuse_the_same_shapes(old: str, new: str) -> None:
    text = REFUND.replace(old, new)
    assert text != REFUND
    assert not fits(read_document(text).value)
    with pytest.raises(InvalidFlow) as raised:
        load_flow(text)
    assert SHAPES & {problem.code for problem in raised.value.problems}


def enums(name: str) -> list[str]:
    """Return the words that the field of that name may hold, wherever it stands."""
    found: list[str] = []
    for path, schema in objects(document_schema()):
        words = schema.get("enum")
        if path.endswith(f"/properties/{name}") and isinstance(words, list):
            found += [str(word) for word in words]
    return found


@pytest.mark.parametrize(
    ("field", "document"),
    [
        ("join", "groups: {{g: {{kind: parallel, steps: [b], join: {word}, need: 1}}}}"),
        ("rest", "groups: {{g: {{kind: parallel, steps: [b], rest: {word}}}}}"),
        ("onItemError", "groups: {{g: {{kind: loop, over: [1], steps: [b], onItemError: {word}}}}}"),
        ("key", "policies: {{key: {word}}}"),
        ("onRepeat", "policies: {{onRepeat: {word}}}"),
        ("media", "triggers: [{{media: {word}}}]"),
    ],
)
def test_the_loader_takes_every_word_of_the_schema_and_no_other(field: str, document: str) -> None:
    words = enums(field)
    assert len(words) > 1
    for word in (*words, "nonsense"):
        text = "flow: f\nstart: a\nsteps: {a: {kind: end}, b: {action: log}}\n" + document.format(word=word)
        with pytest.raises(InvalidFlow) as raised:  # `b` is never reached, at least
            load_flow(text)
        assert ("unknown_word" in {problem.code for problem in raised.value.problems}) == (word == "nonsense")


def test_the_loader_takes_every_kind_of_answer_of_the_schema() -> None:
    kinds = next(
        words
        for path, schema in objects(document_schema())
        if path.endswith("/properties/accepts/anyOf/0") and isinstance(words := schema.get("enum"), list)
    )
    assert len(kinds) > 10
    for kind in kinds:
        load_flow(f"flow: f\nstart: a\nsteps: {{a: {{kind: ask, say: Well?, accepts: {kind}}}}}")
