"""Events and who waits for them, read by the indexes of topics, keys and times."""

from __future__ import annotations

import apsw
import msgspec

from turnflow.core.ids import At
from turnflow.core.topics import heads_of, is_exact, matches, stem_of
from turnflow.ports import EventRecord, SubscriptionRecord
from turnflow.stores._sql import Queries

BEFORE = (-(1 << 62), 0)
"""A place before all events."""
LAST = "\x7f"
"""Behind every character of a topic."""


class Happenings:
    """Queries about events on one connection."""

    def __init__(self, connection: apsw.Connection, queries: Queries) -> None:
        connection.create_scalar_function("topic_matches", matches, 2, deterministic=True)
        self._execute = connection.cursor().execute
        self._queries = queries

    def subscribers(self, topic: str, correlation: str) -> list[SubscriptionRecord]:
        """Return subscriptions as `Store.subscribers` does."""
        heads = msgspec.json.encode(heads_of(topic)).decode()
        values = {"heads": heads, "correlation": correlation, "topic": topic}
        return [SubscriptionRecord(*row) for row in self._execute(self._queries["subscribers"], values)]

    def events(
        self, topic: str, correlation: str, since: At, limit: int, after: tuple[At, int] | None
    ) -> list[EventRecord]:
        """Return events as `Store.events` does, by the narrowest index."""
        stem = stem_of(topic)
        values = {
            "topic": topic, "correlation": correlation, "since": since, "limit": max(0, limit),
            "stem": stem, "end": stem + LAST,
        }  # fmt: skip
        values["at"], values["number"] = after or BEFORE
        if is_exact(topic):
            name = "events_of_key" if correlation else "events_of_topic"
        else:
            name = "events_like_of_key" if correlation else "events_like"
        return [EventRecord(*row) for row in self._execute(self._queries[name], values)]
