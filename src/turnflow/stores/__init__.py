"""Where everything durable is kept: `open_store(url)` and the stores behind it."""

from turnflow.stores.memory import MemoryStore
from turnflow.stores.sqlite import CRASH_POINTS, SqliteStore
from turnflow.stores.urls import open_store

__all__ = ["CRASH_POINTS", "MemoryStore", "SqliteStore", "open_store"]
