"""The parts of `StoreContract`, one module for each group of promises."""

from turnflow.testing.store_promises.commits import CommitPromises
from turnflow.testing.store_promises.events import EventPromises
from turnflow.testing.store_promises.guards import GuardPromises
from turnflow.testing.store_promises.inbox import InboxPromises
from turnflow.testing.store_promises.leases import LeasePromises
from turnflow.testing.store_promises.reading import ReadingPromises
from turnflow.testing.store_promises.values import ValuePromises

__all__ = [
    "CommitPromises",
    "EventPromises",
    "GuardPromises",
    "InboxPromises",
    "LeasePromises",
    "ReadingPromises",
    "ValuePromises",
]
