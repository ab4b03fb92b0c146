"""Writing a graph and loading it again gives the same graph, and writing that the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.declarative.random_graphs import VALUES, graphs
from turnflow.core.codec import digest
from turnflow.core.ids import Json
from turnflow.declarative import GraphFlow, document_schema, dump_flow, load_flow, read_document, to_yaml
from turnflow.declarative.yaml_writing import yaml_of

REFUND = Path(__file__).with_name("refund.yaml")
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(graphs())
def test_what_is_loaded_from_what_was_written_is_equal_and_writes_the_same_bytes(graph: GraphFlow) -> None:
    text = to_yaml(graph)
    again = load_flow(text)
    assert again == graph
    assert digest(again.flow) == digest(graph.flow)
    assert to_yaml(again) == text


@MANY
@given(graphs())
def test_json_is_read_by_the_same_door_to_the_same_graph(graph: GraphFlow) -> None:
    assert load_flow(json.dumps(dump_flow(graph))) == graph


@MANY
@given(graphs())
def test_every_written_document_fits_the_published_schema(graph: GraphFlow) -> None:
    validator = jsonschema_rs.validator_for(document_schema(), offline=True)
    assert [error.message for error in validator.iter_errors(dump_flow(graph))] == []


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), VALUES))
def test_any_json_is_written_as_yaml_that_means_it(value: dict[str, Json]) -> None:
    assert read_document(yaml_of({"value": value})).value == {"value": value}


def test_the_manual_s_document_survives_the_round_trip() -> None:
    graph = load_flow(REFUND.read_text())
    assert load_flow(to_yaml(graph)) == graph
