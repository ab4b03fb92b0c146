"""Values on their way into a run: one encoded JSON value per field."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from turnflow.errors import InvalidValue

_fields = msgspec.json.Decoder(dict[str, Raw])


def fields_of(data: object) -> dict[str, Raw]:
    """Return a mapping, msgspec struct, dataclass or pydantic model as encoded fields; None as no fields.

    Raises `InvalidValue` for anything that is not an object of fields.
    """
    if data is None:
        return {}
    dump = getattr(data, "model_dump_json", None)
    try:
        encoded = dump().encode() if dump is not None else msgspec.json.encode(data)
        return {name: raw.copy() for name, raw in _fields.decode(encoded).items()}
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise InvalidValue(
            f"data of a flow has named fields that JSON can carry; {data!r:.200} has not: {error}"
        ) from error


def encoded_of(value: object) -> Raw:
    """Return anything that JSON can carry, encoded. Raises `InvalidValue`."""
    dump = getattr(value, "model_dump_json", None)
    try:
        return Raw(dump().encode() if dump is not None else msgspec.json.encode(value))
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise InvalidValue(f"JSON cannot carry {value!r:.200}: {error}") from error
