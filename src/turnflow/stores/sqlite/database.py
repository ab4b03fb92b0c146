"""One connection to a SQLite file: transactions, waiting for other processes, errors, and where the work is done.

Where fsync is fast, work is done on the event loop, which is faster than handing it to a thread and back. Where it is slow,
one worker thread does it, so that the loop stays free. Either way one transaction at a time.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import apsw

from turnflow.core.ids import Millis
from turnflow.errors import DamagedStore, StoreUnavailable
from turnflow.stores.sqlite.checkpoint import Checkpointer

T = TypeVar("T")
Synchronous: TypeAlias = Literal["full", "normal"]
Crash: TypeAlias = Callable[[str], None]

SLOW_FSYNC = 5.0
"""Milliseconds (median) from which on commits leave the event loop."""
CACHE_KIB = 32 * 1024
LOG_LIMIT = 64 * 1024 * 1024
"""Bytes that the write-ahead log keeps of the disk after a burst."""
PAUSES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)
"""Seconds between two tries to get past another process that is writing; the last one repeats."""


class Database:
    """An open SQLite file. `patience` is how long a locked one is waited for, in milliseconds."""

    def __init__(
        self, path: Path, synchronous: Synchronous, patience: Millis, crash: Crash | None, threaded: bool | None
    ) -> None:
        self._path = path
        self._synchronous = synchronous
        self._patience = patience
        self._crash = crash
        self.connection = self._connect()
        self.fsync = fsync_time(path.parent)
        """Median milliseconds of an fsync beside the file, found at start."""
        slow = self.fsync > SLOW_FSYNC and synchronous == "full" if threaded is None else threaded
        self._thread = ThreadPoolExecutor(1, "turnflow-sqlite") if slow else None
        self.checkpoints = Checkpointer(path, self._checkpoint)
        self.connection.set_wal_hook(self.checkpoints.written)
        self._execute = self.connection.cursor().execute

    def _connect(self) -> apsw.Connection:
        try:
            connection = apsw.Connection(str(self._path))
            connection.set_busy_timeout(self._patience)
            # Otherwise a statement that compares a column of a partial index's condition is compiled anew for every row.
            connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", self._synchronous)
            connection.pragma("cache_size", -CACHE_KIB)
            connection.pragma("temp_store", "memory")
            connection.pragma("journal_size_limit", LOG_LIMIT)
            connection.set_busy_timeout(0)
        except apsw.Error as error:
            raise self._translated(error) from error
        return connection

    async def close(self) -> None:
        """Wait for what is under way, fold the log into the file and let go of it."""
        await self.checkpoints.close()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.shutdown)
        self.connection.close()

    async def write(self, name: str, work: Callable[[], T]) -> T:
        """Run `work` in a write transaction and make it durable; what it raises undoes the transaction.

        `name` is that of the crash points; "" has none.
        Raises `StoreUnavailable` if the file is locked for longer than the patience, or cannot be read or written;
        `DamagedStore` if it is corrupt.
        """
        result = await self._run(lambda: self._transact(name, work))
        self.checkpoints.look()
        return result

    async def read(self, work: Callable[[], T]) -> T:
        """Run `work` on one snapshot of the data. Raises as `write` does."""
        return await self._run(lambda: self._snapshot(work))

    async def glance(self, work: Callable[[], T]) -> T:
        """Run `work`, a single statement that only reads: it is a snapshot by itself. Raises as `write` does."""
        return await self._run(work)

    def _transact(self, name: str, work: Callable[[], T]) -> T:
        crash = self._crash if name else None
        if crash:
            crash(f"store.{name}.begin")
        self._execute("BEGIN IMMEDIATE")
        try:
            result = work()
            if crash:
                crash(f"store.{name}.before_durable")
            self._execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        if crash:
            crash(f"store.{name}.after_durable")
        return result

    def _snapshot(self, work: Callable[[], T]) -> T:
        self._execute("BEGIN")
        try:
            return work()
        finally:
            self._undo()

    def _undo(self) -> None:
        # Some errors (disk full, I/O) make SQLite roll back by itself.
        if self.connection.in_transaction:
            self._execute("ROLLBACK")

    def _checkpoint(self) -> None:
        def work() -> None:
            with suppress(apsw.Error):
                self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

        if self._thread is None:
            work()
        else:
            self._thread.submit(work)

    async def _run(self, work: Callable[[], T]) -> T:
        """Run `work` where it belongs, again and again while another process holds the lock."""
        deadline = 0.0
        tries = 0
        while True:
            try:
                if self._thread is None:
                    return work()
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
            except (apsw.BusyError, apsw.LockedError) as error:
                now = time.monotonic()
                deadline = deadline or now + self._patience / 1000
                if now >= deadline:
                    raise self._translated(error) from error
                await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1
            except apsw.Error as error:
                raise self._translated(error) from error

    def _translated(self, error: apsw.Error) -> Exception:
        if isinstance(error, apsw.NotADBError | apsw.CorruptError):
            return DamagedStore(f"{self._path} is damaged or no SQLite file ({error}); put a backup in its place")
        if isinstance(error, apsw.BusyError | apsw.LockedError):
            return StoreUnavailable(
                f"{self._path} was locked by another process for {self._patience} ms; whether anything was written is unknown"
            )
        if isinstance(error, apsw.CantOpenError):
            return StoreUnavailable(
                f"{self._path} cannot be opened ({error}); check that its folder exists and is writable"
            )
        return StoreUnavailable(
            f"{self._path}: {error}; whether anything was written is unknown, repeat with the same ids"
        )


def fsync_time(folder: Path, samples: int = 5) -> float:
    """Return the median time of an fsync in a folder, in milliseconds."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(samples):
            file.write(bytes(4096))
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)
