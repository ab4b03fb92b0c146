"""The pages about documents and expressions: the same fields as the published schema, examples that fit, roots and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import pytest

from tests.docs.pages import page
from turnflow.core._moments import EVENT_WAIT
from turnflow.core.graph_validation import DEPTH_LIMIT
from turnflow.core.ids import Json, StepName
from turnflow.core.nodes import Loop
from turnflow.core.validation import STEP_LIMIT
from turnflow.declarative import document_schema, read_document
from turnflow.declarative.accepting import RECORDS
from turnflow.declarative.checked_schema import value_mistake
from turnflow.declarative.document import POLICIES
from turnflow.declarative.groups import GROUP_KINDS
from turnflow.declarative.mistakes import DEPTH_LIMIT as DEEPEST
from turnflow.declarative.reading import SIZE_LIMIT as LONGEST
from turnflow.declarative.steps import STEP_KINDS
from turnflow.declarative.triggers import TriggerShape
from turnflow.engine import slots, works
from turnflow.engine.bus import EVENT_LIMIT
from turnflow.engine.evaluating import VALUE_LIMIT
from turnflow.expressions import ROOTS, compile_expression
from turnflow.expressions.budget import ITERATIONS
from turnflow.expressions.expression import LIMIT, PARTS
from turnflow.expressions.templates import DEPTH

PAGE: Final = "docs/reference/documents.md"
OF_EVERY_STEP: Final = {"kind", "title", "outputs", "to", "settings"}
OF_EVERY_GROUP: Final = OF_EVERY_STEP - {"kind"}
ROW: Final = re.compile(r"^\| `(\w+)` \| `(.+?)` \| \S", re.MULTILINE)
SCHEMA: Final = document_schema()


def record(value: Json) -> dict[str, Json]:
    assert isinstance(value, dict)
    return value


DEFINITIONS: Final = record(SCHEMA["$defs"])


def fields_of(definition: str) -> dict[str, Json]:
    return record(record(DEFINITIONS[definition])["properties"])


def answers() -> dict[str, Json]:
    """Every parameter of a kind of answer, but its kind; one that several have is as wide as all of them."""
    found: dict[str, list[Json]] = {}
    for kind in RECORDS.values():
        for name, schema in record(kind.schema()["properties"]).items():
            found.setdefault(name, []).append(schema)
    return {name: {"anyOf": schemas} for name, schemas in found.items() if name != "kind"}


def triggers() -> dict[str, Json]:
    either = TriggerShape().schema()["anyOf"]
    assert isinstance(either, list)
    shapes = [record(shape)["properties"] for shape in either if "properties" in record(shape)]
    return {name: schema for shape in shapes for name, schema in record(shape).items()}


SECTIONS: Final[Mapping[str, dict[str, Json]]] = {
    "## The document": record(SCHEMA["properties"]),
    "### Triggers": triggers(),
    "### Policies": record(POLICIES.schema()["properties"]),
    "## Steps": {**fields_of("actionStep"), "kind": {"enum": list(STEP_KINDS)}},
    **{f"### `{kind}`": fields_of(f"{kind}Step") for kind in STEP_KINDS},
    "#### Kinds of answers": answers(),
    **{f"### `{kind}`": fields_of(f"{kind}Group") for kind in GROUP_KINDS},
    "## Outputs": fields_of("output"),
    "## Settings": fields_of("settings"),
    "### Retry": fields_of("retry"),
}


def rows(section: str) -> dict[str, str]:
    """Return the fields that a section lists, each with its example."""
    _, found, rest = page(PAGE).text.partition(f"\n{section}\n")
    assert found, f"{PAGE} has no section {section!r}"
    return dict(ROW.findall(re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]))


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_lists_the_fields_of_the_schema_and_no_others(section: str) -> None:
    fields = set(SECTIONS[section])
    if section == "## Steps":
        fields &= OF_EVERY_STEP
    elif section.startswith("### `"):
        fields -= OF_EVERY_GROUP if section[5:-1] in GROUP_KINDS else OF_EVERY_STEP
    assert set(rows(section)) == fields


@pytest.mark.parametrize("section", SECTIONS)
def test_every_example_of_a_field_fits_the_schema(section: str) -> None:
    for name, example in rows(section).items():
        written = record(read_document(example, f"example of {name}").root.plain())
        assert list(written) == [name], f"the example of {name} is about something else: {example}"
        mistake = value_mistake({**record(SECTIONS[section][name]), "$defs": DEFINITIONS}, written[name])
        assert mistake is None, f"{example}: {mistake}"


def test_every_definition_of_the_schema_has_a_section() -> None:
    told = {f"{kind}Step" for kind in STEP_KINDS} | {f"{kind}Group" for kind in GROUP_KINDS}
    assert set(DEFINITIONS) == told | {"step", "group", "output", "settings", "retry"}


def test_parts_of_values_are_named_too() -> None:
    text = page(PAGE).text
    for name in ("label", "value", "after", "text", "role", "interval", "input"):
        assert re.search(rf"\b{name}:", text), f"{PAGE} does not show {name}"


# --- expressions -------------------------------------------------------------------------------------------------------

EXPRESSIONS: Final = "docs/reference/expressions.md"


def test_every_root_of_expressions_is_explained_and_no_other() -> None:
    table = page(EXPRESSIONS).text.split("## What they see")[1].split("\n## ")[0]
    named = {
        re.split(r"\W", root)[0]
        for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
        for root in re.findall(r"`(.+?)`", row)
    }
    assert named == ROOTS


def test_every_expression_of_the_tables_compiles() -> None:
    tables = page(EXPRESSIONS).text.split("## Numbers")[1].split("\n## Templates")[0]
    cells = re.findall(r"^\| (`.+?) \|", tables, re.MULTILINE)
    written = [code.replace("\\|", "|") for cell in cells for code in re.findall(r"`([^`]+)`", cell)]
    whole = [code for code in written if not code.startswith(".")]
    assert len(whole) > 15
    for code in whole:
        compile_expression(code, ("cond", "a", "b", "c"))


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        ("text of an expression", f"{LIMIT:,} bytes, {PARTS:,} words"),
        ("nesting of a template", f"{DEPTH} levels"),
        ("work of one evaluation", f"{ITERATIONS:,} small conditions"),
        ("result of one evaluation", f"{VALUE_LIMIT >> 20} MiB"),
    ],
)
def test_limits_of_expressions_are_those_of_the_code(row: str, limit: str) -> None:
    [line] = re.findall(rf"^\| {row} \|([^|]*)\|", page(EXPRESSIONS).text, re.MULTILINE)
    assert limit in line


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        ("a document", f"{LONGEST >> 20} MiB, {DEEPEST} levels, {STEP_LIMIT:,} steps"),
        ("groups inside groups", f"{DEPTH_LIMIT} deep"),
        ("actions under way in one process", f"{slots.AT_ONCE}"),
        ("an action step with its retries", f"{works.STEP_LIMIT // 60_000} minutes"),
        ("output of an action", f"{works.OUTPUT_LIMIT >> 20} MiB"),
        ("value of an expression", f"{VALUE_LIMIT >> 20} MiB"),
        ("items or rounds of a loop", f"{Loop(StepName('each')).max_iterations:,}"),
        ("waiting for an event", f"{EVENT_WAIT // 3_600_000} hours"),
        ("data of an event", f"{EVENT_LIMIT >> 10} KiB"),
    ],
)
def test_limits_of_flow_graphs_are_those_of_the_code(row: str, limit: str) -> None:
    [line] = re.findall(rf"^\| {row} \|([^|]*)\|", page("docs/explanation/limits.md").text, re.MULTILINE)
    assert limit in line
