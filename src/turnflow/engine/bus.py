"""The event bus: topics, who waits for what, and events that came before anybody did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Raw

from turnflow.core.ids import InputId
from turnflow.errors import InvalidValue

if TYPE_CHECKING:
    from turnflow.engine.process import Process


class Bus:
    """Publishes events durably and hands each to the runs that wait for it."""

    def __init__(self, engine: Process) -> None:
        self._engine = engine

    async def publish(self, topic: str, event: Raw, key: str, *, id: InputId) -> None:
        """Publish an event durably; a repeated id changes nothing."""
        raise InvalidValue(f"nothing carries events yet: {topic!r} ({id}) was not published")
