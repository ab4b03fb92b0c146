"""JSON wire forms of what is persisted, with a schema version. Equal values give equal bytes.

Older snapshots are lifted by `UPCASTERS`, one function per version, on plain JSON; newer ones are refused, because code that
does not know a field would lose it.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec
from msgspec.structs import replace

from turnflow.core.definition import Flow, HandlerStep, Question, Reminder, WaitSpec
from turnflow.core.ids import Json
from turnflow.core.machine import Entry
from turnflow.core.messages import Button, Message
from turnflow.core.state import SCHEMA, RunState
from turnflow.errors import UndecodableRow

UPCASTERS: Final[dict[int, Callable[[dict[str, Json]], dict[str, Json]]]] = {}
"""From version n to n+1; empty while there is only one version."""

SCHEMA_MAPS: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords of JSON Schema whose keys are names of the author."""
SCHEMA_VALUES: Final = frozenset({"const", "enum", "default", "examples"})
"""Keywords of JSON Schema whose values are data, not schemas."""

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
    """Return a hash over what a flow does: titles, texts and layout are left out, so that rewording changes no digest."""
    meaning = replace(
        flow,
        title="",
        steps={name: _step(step) for name, step in flow.steps.items()},
        groups={name: replace(group, menu=_answers(group.menu)) for name, group in flow.groups.items()},
        nodes={name: replace(node, title="") for name, node in flow.nodes.items()},
        data=_schema(flow.data),
        input=_schema(flow.input),
        output=_schema(flow.output),
        params=_schema(flow.params),
    )
    return sha256(_encoder.encode(meaning)).hexdigest()[:32]


def _step(step: HandlerStep) -> HandlerStep:
    question = step.question
    if question is not None:
        question = Question(_wait(question.wait), _answers(question.message))
    return replace(step, title="", question=question, say=None)


def _wait(wait: WaitSpec) -> WaitSpec:
    return replace(
        wait,
        remind=tuple(Reminder(reminder.after, _answers(reminder.message)) for reminder in wait.remind),
        retry=_answers(wait.retry),
        otherwise=_answers(wait.otherwise),
    )


def _answers(message: Message | None) -> Message | None:
    """Return of a message only what its buttons do."""
    if message is None:
        return None
    buttons = [Button(item) if isinstance(item, str) else item for row in message.buttons for item in row]
    return Message(
        "",
        [[Button("", "" if b.callback else b.value or b.text, b.callback) for b in buttons if not b.url]],
    )


def _schema(schema: dict[str, Json]) -> dict[str, Json]:
    """Return a JSON Schema without its annotations for people."""
    kept: dict[str, Json] = {}
    for key, value in schema.items():
        if key in SCHEMA_MAPS and isinstance(value, dict):
            kept[key] = {name: _inner(item) for name, item in value.items()}
        elif key in SCHEMA_VALUES:
            kept[key] = value
        elif key not in ("title", "description"):
            kept[key] = _inner(value)
    return kept


def _inner(value: Json) -> Json:
    if isinstance(value, list):
        return [_inner(item) for item in value]
    return _schema(value) if isinstance(value, dict) else value


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
