"""Events and subscriptions in dictionaries: the part of the memory store that the bus asks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable
from itertools import islice

from msgspec.structs import replace

from turnflow.core.ids import At, EffectKey, InputId, RunId
from turnflow.core.topics import head_of, heads_of, is_exact, matches
from turnflow.ports import Commit, EventRecord, SubscriptionRecord


class Happenings:
    """Who waits for which events, and the events there were."""

    def __init__(self) -> None:
        self._subscriptions: dict[tuple[RunId, EffectKey], SubscriptionRecord] = {}
        self._by_head: dict[tuple[str, str], set[tuple[RunId, EffectKey]]] = defaultdict(set)
        """Subscriptions by the head of their pattern and by correlation."""
        self._events: dict[tuple[At, int], EventRecord] = {}
        self._known: set[InputId] = set()
        self._places: dict[tuple[str, str] | None, list[tuple[At, int]]] = defaultdict(list)
        """Places of events in order: of a topic (correlation ""), of a correlation (topic ""), of both, and of all (None)."""

    def write(self, commit: Commit) -> None:
        """Write the part of a commit that is about events."""
        for key in commit.unsubscribed:
            self._unsubscribe(key)
        for subscription in commit.subscribed:
            self._unsubscribe((subscription.run, subscription.key))
            key = (subscription.run, subscription.key)
            self._subscriptions[key] = subscription
            self._by_head[head_of(subscription.topic), subscription.correlation].add(key)
        for event in commit.events:
            if event.id not in self._known:
                self._keep(replace(event, seq=len(self._known) + 1))

    def subscribers(self, topic: str, correlation: str) -> list[SubscriptionRecord]:
        """Return subscriptions as `Store.subscribers` does."""
        keys: Iterable[tuple[RunId, EffectKey]] = (
            key
            for head in heads_of(topic)
            for wanted in {"", correlation}
            for key in self._by_head.get((head, wanted), ())
        )
        found = [self._subscriptions[key] for key in sorted(keys)]
        return [subscription for subscription in found if matches(subscription.topic, topic)]

    def events(
        self, topic: str, correlation: str, since: At, limit: int, after: tuple[At, int] | None
    ) -> list[EventRecord]:
        """Return events as `Store.events` does."""
        exact = topic if is_exact(topic) else ""
        places = self._places.get((exact, correlation) if exact or correlation else None, [])
        start = bisect_left(places, (since, 0))
        if after is not None:
            start = max(start, bisect_right(places, after))
        found = (self._events[place] for place in islice(places, start, None))
        return list(islice((event for event in found if matches(topic, event.topic)), max(0, limit)))

    def _unsubscribe(self, key: tuple[RunId, EffectKey]) -> None:
        gone = self._subscriptions.pop(key, None)
        if gone is not None:
            self._by_head[head_of(gone.topic), gone.correlation].discard(key)

    def _keep(self, event: EventRecord) -> None:
        place = (event.at, event.seq)
        self._known.add(event.id)
        self._events[place] = event
        lists = {None, (event.topic, ""), (event.topic, event.correlation)}
        if event.correlation:
            lists.add(("", event.correlation))
        for name in lists:
            insort(self._places[name], place)
