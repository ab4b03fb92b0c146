"""The published JSON Schema of documents, made of the same shapes that read them, so that the two cannot disagree."""

from __future__ import annotations

from turnflow.core.ids import Json
from turnflow.declarative.document import DOCUMENT
from turnflow.declarative.edges import OUTPUT
from turnflow.declarative.groups import GROUP_KINDS
from turnflow.declarative.settings import RETRY, SETTINGS
from turnflow.declarative.shapes import JsonSchema
from turnflow.declarative.steps import GROUP_RECORDS, PLAIN_BY, STEP_KINDS, STEPS, StepKind

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document_schema() -> dict[str, Json]:
    """Return the JSON Schema (2020-12) of documents. Editors complete and check with it; loading checks more.

    What no schema can say (targets that exist, expressions that compile, which outputs are taken) is left to loading.
    """
    definitions: dict[str, Json] = {
        "step": {"description": "A step of the flow.", "anyOf": [_reference(_step_name(kind)) for kind in STEP_KINDS]},
        "group": {
            "description": "Steps executed one after another, side by side, or in a loop.",
            "anyOf": [_reference(_group_name(kind)) for kind in GROUP_KINDS],
        },
        **{_step_name(kind): _step(kind) for kind in STEP_KINDS},
        **{_group_name(kind): {**GROUP_RECORDS[kind].schema(), **_required("kind", "steps")} for kind in GROUP_KINDS},
        "output": OUTPUT.schema(),
        "settings": SETTINGS.schema(),
        "retry": RETRY.schema(),
    }
    return {
        "$schema": DIALECT,
        "title": "A flow graph of Turnflow",
        "description": "A conversation flow: what is said and asked, which actions are called, and what follows what.",
        **DOCUMENT.schema(),
        "$defs": definitions,
    }


def _step(kind: StepKind) -> JsonSchema:
    """Return the schema of a kind of step: it is named, or a field makes it plain."""
    schema = STEPS[kind].schema()
    plain: list[Json] = [_required(field) for field, other in PLAIN_BY if other == kind]
    return {**schema, "anyOf": [_required("kind"), *plain]} if plain else {**schema, **_required("kind")}


def _required(*names: str) -> JsonSchema:
    return {"required": list(names)}


def _reference(name: str) -> JsonSchema:
    return {"$ref": f"#/$defs/{name}"}


def _step_name(kind: str) -> str:
    return f"{kind}Step"


def _group_name(kind: str) -> str:
    return f"{kind}Group"
