"""Who holds which partition, in a dictionary: the part of the memory store that ownership asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from msgspec import Struct

from turnflow.core.ids import Millis
from turnflow.ports import Lease


class Held(Struct):
    """Who holds a partition: nobody (None) at first and after a clean release."""

    epoch: int = 0
    holder: str | None = None
    expires: int = 0


class Leases:
    """Leases by partition. `now` is their clock, in milliseconds."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._held: dict[int, Held] = defaultdict(Held)

    def epoch(self, partition: int) -> int:
        """Return how often a partition has changed hands."""
        return self._held[partition].epoch

    def acquire(self, holder: str, partitions: Sequence[int], lease: Millis) -> list[Lease]:
        """Take what is free, expired or the holder's own."""
        taken = []
        for partition in partitions:
            held = self._held[partition]
            unclean = held.holder not in (None, holder)
            if unclean and held.expires > self._now():
                continue
            if held.holder != holder:
                held.epoch += 1
            held.holder, held.expires = holder, self._now() + lease
            taken.append(Lease(partition, held.epoch, unclean))
        return taken

    def renew(self, holder: str, lease: Millis) -> list[int]:
        """Extend the holder's leases."""
        kept = sorted(partition for partition, held in self._held.items() if held.holder == holder)
        for partition in kept:
            self._held[partition].expires = self._now() + lease
        return kept

    def release(self, holder: str) -> None:
        """Give the holder's partitions back."""
        for held in self._held.values():
            if held.holder == holder:
                held.holder = None
