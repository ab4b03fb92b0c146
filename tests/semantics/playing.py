"""What the tests of the semantics look at again and again."""

from __future__ import annotations

from msgspec import json

from turnflow.core.ids import Json
from turnflow.core.state import Ending


def result_of(ending: Ending) -> Json:
    """Return a run's result as plain JSON."""
    return None if ending.result is None else json.decode(ending.result)
