"""Whatever stands in a document, loading it gives a graph or a list of problems with places, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from turnflow.core.ids import Json
from turnflow.declarative import document_schema, load_flow
from turnflow.errors import InvalidFlow, Problem

REFUND = Path(__file__).with_name("refund.yaml").read_text()
FIELDS = sorted(
    {
        name
        for schema in json.loads(json.dumps(document_schema()))["$defs"].values()
        for name in schema.get("properties", {})
    }
)
WORDS = st.sampled_from(
    ["a", "b", "end", "ask", "say", "action", "loop", "parallel", "10s", "${input.x}", "${", "1 < 2", "yes"]
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 9), st.floats(-2, 9), WORDS, st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)
STEPS = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6)
DOCUMENTS = st.fixed_dictionaries(
    {
        "flow": st.just("f"),
        "start": st.just("a"),
        "steps": st.dictionaries(st.sampled_from(["a", "b", "end"]), STEPS | VALUES),
    },
    optional={
        "groups": st.dictionaries(st.sampled_from(["a", "g"]), STEPS | VALUES),
        "triggers": VALUES,
        "policies": VALUES,
        "inputSchema": VALUES,
        "timeout": VALUES,
    },
)


def check(text: str) -> None:
    for problem in problems_of(text):
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message


def problems_of(text: str) -> tuple[Problem, ...]:
    try:
        load_flow(text, name="f.yaml").build()
    except InvalidFlow as error:
        return error.problems
    return ()


@settings(max_examples=400, deadline=None)
@given(
    st.integers(0, len(REFUND)),
    st.integers(0, 40),
    st.text(max_size=6) | st.sampled_from(list(":{}[]'\"#&*!|>-?,%@`\n\t")),
)
def test_a_damaged_document_is_a_list_of_problems(at: int, length: int, instead: str) -> None:
    check(REFUND[:at] + instead + REFUND[at + length :])


@settings(max_examples=600, deadline=None)
@given(DOCUMENTS)
def test_known_fields_with_anything_in_them_are_a_graph_or_a_list_of_problems(document: dict[str, Json]) -> None:
    check(json.dumps(document))


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_at_all_is_a_list_of_problems(text: str) -> None:
    check(text)
