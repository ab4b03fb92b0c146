"""`transform`: what goes in comes out. The templates of the step's input do the work."""

from __future__ import annotations

from turnflow.actions.action import action
from turnflow.core.ids import Json


@action(name="transform")
async def transform(value: Json) -> Json:
    """Return the input."""
    return value
