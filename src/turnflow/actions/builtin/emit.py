"""`emit`: publish an event to whatever waits for its topic."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from turnflow.actions.action import action
from turnflow.actions.builtin.services import services_of
from turnflow.authoring.codecs import encode
from turnflow.core.ids import Json
from turnflow.ports import ActionContext


class Emission(Struct, frozen=True, forbid_unknown_fields=True):
    """Input of `emit`."""

    topic: Annotated[str, Meta(min_length=1)]
    payload: Json = None
    key: str = ""
    """Correlation key: what tells this order's event from another's."""


@action(name="emit")
async def emit(event: Emission, context: ActionContext) -> None:
    """Publish the event, durably and once for this place of the flow."""
    await services_of(context, "emit").publish(event.topic, encode(event.payload), event.key)
