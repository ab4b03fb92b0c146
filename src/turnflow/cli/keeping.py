"""The store that a URL names, looked at before it is opened: who works on it already, and whether it is there at all."""

from __future__ import annotations

from turnflow.errors import CallerError, StoreInUse
from turnflow.ports import Store
from turnflow.stores import SqliteStore, open_store


def own_store(url: str) -> Store:
    """Return a store for a process that runs flows.

    Raises `StoreInUse` at once if another one runs flows on it: waiting for it to end would look like a hang.
    """
    store = open_store(url)
    if isinstance(store, SqliteStore) and (others := store.holders()):
        who = " and ".join(f"process {pid}" if pid else "another process" for pid in others)
        raise StoreInUse(
            f"{store.path} is in use: {who} runs flows on it. Stop that first, or choose another file with --store"
        )
    return store


def shared_store(url: str) -> SqliteStore:
    """Return a store for a process that works beside the one that runs flows. Raises `CallerError` if there is none."""
    store = open_store(url)
    if not isinstance(store, SqliteStore):
        raise CallerError(f"{url} lives in one process and cannot be shared; use sqlite:///FILE.db for both")
    if not store.path.exists():
        raise CallerError(f"there is no {store.path} yet; start `turnflow serve` on it first, or look at --store")
    return store
