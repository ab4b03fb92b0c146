"""JSON Schemas (draft 2020-12) of what actions take and give, made of the types in their annotations."""

from __future__ import annotations

from typing import Protocol, cast

import msgspec

from turnflow.authoring.codecs import is_pydantic
from turnflow.core.ids import Json


def schema_of(kind: object) -> dict[str, Json]:
    """Return the JSON Schema of a type: of a msgspec struct, dataclass, pydantic model or anything JSON itself knows.

    A type about which JSON can say nothing (`Any`, a class with a reader of its own) has the schema `{}`: any value.
    """
    definitions: dict[str, Json] = {}

    def of_foreign(foreign: type) -> dict[str, Json]:
        """Give the schema of a type msgspec does not know; what a model refers to is moved to the top, under names of its own."""
        if not is_pydantic(foreign):
            return {}
        model = cast(_Model, foreign)
        found = model.model_json_schema(by_alias=True, ref_template=f"#/$defs/{foreign.__name__}.{{model}}")
        inner = cast("dict[str, Json]", found.pop("$defs", {}))
        definitions.update({f"{foreign.__name__}.{name}": schema for name, schema in inner.items()})
        return found

    if is_pydantic(kind):
        schema = of_foreign(kind)
    else:
        schema = msgspec.json.schema(kind, schema_hook=of_foreign)
    if definitions:
        known = cast("dict[str, Json]", schema.get("$defs", {}))
        schema = {**schema, "$defs": {**known, **definitions}}
    return schema


class _Model(Protocol):
    """A pydantic model, as far as its schema is concerned."""

    @classmethod
    def model_json_schema(cls, *, by_alias: bool, ref_template: str) -> dict[str, Json]:
        """Return the JSON Schema."""
