"""JSON wire forms of what is persisted, with a schema version. Equal values give equal bytes.

Older snapshots are lifted by `UPCASTERS`, one function per version, on plain JSON; newer ones are refused, because code that
does not know a field would lose it.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec

from turnflow.core.definition import Flow
from turnflow.core.ids import Json
from turnflow.core.machine import Entry
from turnflow.core.state import SCHEMA, RunState
from turnflow.errors import UndecodableRow

UPCASTERS: Final[dict[int, Callable[[dict[str, Json]], dict[str, Json]]]] = {}
"""From version n to n+1; empty while there is only one version."""

_encoder = msgspec.json.Encoder(order="deterministic")
_states = msgspec.json.Decoder(RunState)
_entries = msgspec.json.Decoder(Entry)
_flows = msgspec.json.Decoder(Flow)
_plain = msgspec.json.Decoder(dict[str, Json])


def encode_state(state: RunState) -> bytes:
    """Return the snapshot of a run."""
    return _encoder.encode(state)


def decode_state(row: bytes) -> RunState:
    """Return the state of a snapshot. Raises `UndecodableRow` with the path of what is wrong."""
    try:
        state = _states.decode(row)
        if state.schema == SCHEMA:
            return state
        return _states.decode(_encoder.encode(_lifted(_plain.decode(row), state.schema)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableRow(f"the stored state of a run cannot be read: {error}") from error


def encode_entry(entry: Entry) -> bytes:
    """Return a journal entry."""
    return _encoder.encode(entry)


def decode_entry(row: bytes) -> Entry:
    """Return the entry of a journal row. Raises `UndecodableRow`."""
    try:
        return _entries.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableRow(f"a journal entry cannot be read: {error}") from error


def encode_flow(flow: Flow) -> bytes:
    """Return a definition as a document."""
    return _encoder.encode(flow)


def decode_flow(row: bytes) -> Flow:
    """Return the definition of a stored document. Raises `UndecodableRow`."""
    try:
        return _flows.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableRow(f"a stored definition cannot be read: {error}") from error


def digest(flow: Flow) -> str:
    """Return a hash over what a flow does: titles and texts are left out, so that rewording changes no digest."""
    plain = _plain.decode(_encoder.encode(flow))
    return sha256(_encoder.encode(_meaning(plain))).hexdigest()[:32]


def _meaning(value: Json) -> Json:
    """Return a document without its wording: no titles, and of messages only the answers their buttons give."""
    if isinstance(value, dict):
        if value and value.keys() <= {"text", "buttons", "media"}:
            return {"buttons": _meaning(value.get("buttons"))}
        return {key: _meaning(item) for key, item in value.items() if key not in ("title", "description")}
    if isinstance(value, list):
        return [_meaning(item) for item in value]
    return value


def _lifted(row: dict[str, Json], version: int) -> dict[str, Json]:
    if version > SCHEMA:
        raise UndecodableRow(f"written by a newer Turnflow (schema {version}, this one knows {SCHEMA}); upgrade")
    while version < SCHEMA:
        if version not in UPCASTERS:
            raise UndecodableRow(f"no way to read schema {version}; this Turnflow writes {SCHEMA}")
        row = UPCASTERS[version](row)
        version += 1
        row["schema"] = version
    return row
