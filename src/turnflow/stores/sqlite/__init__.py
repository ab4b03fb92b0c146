"""SQLite, through apsw, which brings a SQLite library of its own."""

from turnflow.stores.sqlite.store import CRASH_POINTS, SqliteStore

__all__ = ["CRASH_POINTS", "SqliteStore"]
