"""JSON Schema (2020-12) of inputs and results: defaults are filled in, then the value is checked. Nothing is ever fetched."""

from __future__ import annotations

from functools import lru_cache

import jsonschema_rs
import msgspec

from turnflow.core.ids import Json

_encoder = msgspec.json.Encoder(order="deterministic")


def schema_mistake(schema: dict[str, Json]) -> str | None:
    """Return what is wrong with a schema itself, or None."""
    try:
        _compiled(_encoder.encode(schema))
    except ValueError as error:
        return str(error).split("\n")[0]
    return None


def value_mistake(schema: dict[str, Json], value: Json) -> str | None:
    """Return the first thing wrong with a value, with the name of the field in front, or None."""
    if not schema:
        return None
    error = next(iter(_compiled(_encoder.encode(schema)).iter_errors(value)), None)
    if error is None:
        return None
    path = ""
    for part in error.instance_path:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return f"{path}: {error.message}" if path else error.message


def with_defaults(schema: dict[str, Json], value: Json) -> Json:
    """Return a value with the schema's defaults in place of object members that are missing, at every depth."""
    properties = schema.get("properties")
    if isinstance(value, dict) and isinstance(properties, dict):
        filled = dict(value)
        for name, inner in properties.items():
            if not isinstance(inner, dict):
                continue
            if name in filled:
                filled[name] = with_defaults(inner, filled[name])
            elif "default" in inner:
                filled[name] = inner["default"]
        return filled
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        return [with_defaults(items, item) for item in value]
    return value


@lru_cache(maxsize=256)
def _compiled(schema: bytes) -> jsonschema_rs.Validator:
    decoded = msgspec.json.decode(schema)
    return jsonschema_rs.validator_for(
        decoded, offline=True, pattern_options=jsonschema_rs.RegexOptions(), validate_formats=True
    )
