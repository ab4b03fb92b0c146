"""Objects and lists that arrive as JSON text: structs, dataclasses, typed dicts, models, containers."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import msgspec

from turnflow.answers import models
from turnflow.answers.unparsed import Unparsed

MALFORMED = "Please send JSON text."
_LONGEST_REASON = 300


def reader(annotation: object) -> Callable[[str], object]:
    """Return what reads JSON text into a type, or raises `Unparsed`; pydantic reads what has its models inside."""
    try:
        msgspec.json.schema(annotation)
    except (TypeError, NameError):
        return models.from_json(annotation)
    decode = msgspec.json.Decoder(cast("type[object]", annotation)).decode

    def read(text: str) -> object:
        try:
            return decode(text)
        except msgspec.ValidationError as error:
            sentence = str(error).replace("`", "").replace(" - at $.", " at ")[:_LONGEST_REASON]
            raise Unparsed(f"That does not fit: {sentence}.") from None
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise Unparsed(MALFORMED) from None

    return read
