"""JSON on the command line: written there, or `@` and the file that holds it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from turnflow.core.ids import Json
from turnflow.errors import CallerError


def json_object(option: str, words: str | None) -> dict[str, Json]:
    """Return the object that an option was given as; nothing is an empty one. Raises `CallerError` naming the option."""
    if words is None:
        return {}
    place = "it"
    if words.startswith("@"):
        place = words[1:]
        try:
            words = Path(place).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise CallerError(f"{option}: {place} cannot be read: {reason}") from error
    try:
        value: Json = msgspec.json.decode(words)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise CallerError(
            f"{option}: {place} is no JSON: {error}; quote it for the shell, or put it into a file and write @FILE"
        ) from error
    if not isinstance(value, dict):
        raise CallerError(f'{option}: an object is needed, as {{"name": "value"}}, not {words[:40]}')
    return value
