"""What may be handed over to CEL: values that it takes unchanged, and not too many of them."""

from __future__ import annotations

import msgspec

from turnflow.core.ids import Json

BYTES = 5 * 1024 * 1024
ENTRIES = 100_000
"""Converting so many takes some 50 milliseconds."""


class Unfit(Exception):
    """The values cannot be handed over; the message says why."""


def check_intake(values: Json) -> None:
    """Raise `Unfit` for values that are too large, no JSON, or that CEL would change."""
    try:
        encoded = msgspec.json.encode(values)
    except (ValueError, TypeError) as error:
        raise Unfit(f"its values are not JSON: {error}") from None
    except RecursionError:
        raise Unfit("its values are nested too deeply") from None
    # Commas in texts count as well: a cheap upper bound.
    if len(encoded) > BYTES or encoded.count(b",") > ENTRIES:
        raise Unfit(f"its values are too large (over {ENTRIES} entries, or {BYTES >> 20} MiB); refer to smaller parts")
    if b"\\u0000" in encoded and _holds_nul(values):
        raise Unfit("a text in its values holds the character U+0000, where CEL would cut it off")


def _holds_nul(value: Json) -> bool:
    match value:
        case str():
            return "\0" in value
        case list():
            return any(map(_holds_nul, value))
        case dict():
            return any(map(_holds_nul, value)) or any(map(_holds_nul, value.values()))
        case _:
            return False
