"""Both stores keep every promise of `Store`."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from turnflow.ports import Store
from turnflow.stores import MemoryStore, SqliteStore
from turnflow.testing.store_contract import StoreContract


class TestMemory(StoreContract):
    persists: ClassVar[bool] = False

    async def make_store(self, tmp_path: Path) -> Store:
        return MemoryStore()


class TestSqlite(StoreContract):
    async def make_store(self, tmp_path: Path) -> Store:
        return SqliteStore(tmp_path / "store.db")


class TestSqliteOnASlowDisk(StoreContract):
    """Commits run in a worker thread where fsync is slow."""

    async def make_store(self, tmp_path: Path) -> Store:
        return SqliteStore(tmp_path / "store.db", threaded=True)
