"""`turnflow schema`: what editors complete flow files with, and check them by."""

from __future__ import annotations

import msgspec

from turnflow.declarative import document_schema


def schema() -> str:
    """Return the JSON Schema of flow files."""
    return msgspec.json.format(msgspec.json.encode(document_schema())).decode()
