"""Store URLs: `memory://`, `sqlite:///relative.db`, `sqlite:////absolute.db`."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

from turnflow.errors import BadStoreUrl
from turnflow.ports import Store
from turnflow.stores.memory import MemoryStore
from turnflow.stores.sqlite import SqliteStore
from turnflow.stores.sqlite.database import Crash

KNOWN = "use memory://, sqlite:///relative.db or sqlite:////absolute.db"


def open_store(url: str, *, crash: Crash | None = None) -> Store:
    """Return the store that a URL names, not opened yet (`await store.open()` does that).

    `sqlite:` takes `?synchronous=full` (the default) or `normal`. `crash` is called at every point of `CRASH_POINTS`.
    Raises `BadStoreUrl`.
    """
    parts = urlsplit(url)
    if parts.scheme == "memory":
        if parts.netloc or parts.path.strip("/") or parts.query:
            raise BadStoreUrl(f"{url!r}: the memory store has neither name nor options; use memory://")
        return MemoryStore()
    if parts.scheme == "sqlite" and parts.fragment:
        raise BadStoreUrl(f"{url!r}: write %23 for the # in the file's name")
    if parts.scheme == "sqlite":
        return _sqlite(url, parts.netloc, unquote(parts.path), parts.query, crash)
    raise BadStoreUrl(f"{url!r} names no store; {KNOWN}")


def _sqlite(url: str, host: str, path: str, query: str, crash: Crash | None) -> SqliteStore:
    if host:
        raise BadStoreUrl(f"{url!r}: a file has no host; write sqlite:///{host}{path} for a file in this folder")
    file = path.removeprefix("/")
    if not file or file.endswith("/"):
        raise BadStoreUrl(f"{url!r} names no file; {KNOWN}")
    if file == ":memory:":
        raise BadStoreUrl(f"{url!r}: for a store without a file use memory://")
    options = dict(parse_qsl(query, keep_blank_values=True))
    synchronous = options.pop("synchronous", "full")
    if options:
        raise BadStoreUrl(f"{url!r}: unknown option {next(iter(options))!r}; the only one is synchronous")
    if synchronous == "full":
        return SqliteStore(file, crash=crash)
    if synchronous == "normal":
        return SqliteStore(file, synchronous="normal", crash=crash)
    raise BadStoreUrl(f"{url!r}: synchronous is full or normal, not {synchronous!r}")
