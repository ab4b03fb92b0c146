"""Checkpoints at quiet moments: folding the write-ahead log into the file, never in the middle of a turn.

SQLite's own checkpoint runs inside whichever commit makes the log too long, and that commit is late by milliseconds.
Here a thread with a connection of its own does it when nothing has been written for a moment, or the log has become long.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import apsw

WORTHWHILE = 256
"""Pages in the log (of 4 KiB) from which on a quiet moment is used."""
LONG = 2000
"""Pages from which on no quiet moment is waited for: a log that is written over again syncs faster than one that grows."""
QUIET = 0.05
"""Seconds without a write that make a moment quiet."""


class Checkpointer:
    """Watches the log of one file. `written` may be called in any thread, the rest belongs to the event loop.

    `finish` checkpoints on the store's own connection, so that no write comes in between.
    """

    def __init__(self, path: Path, finish: Callable[[], None]) -> None:
        self._path = path
        self._finish = finish
        self.pages = 0
        """Pages in the log after the last commit."""
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._busy = False
        self._closed = False

    def written(self, connection: apsw.Connection, database: str, pages: int) -> int:
        """Note how long the log is after a commit (SQLite's WAL hook)."""
        self.pages = pages
        return apsw.SQLITE_OK

    def look(self) -> None:
        """After a write: make sure that somebody looks again when it may be quiet."""
        if self.pages < WORTHWHILE or self._busy:
            return
        self._last = time.monotonic()
        if self.pages >= LONG:
            self._start()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(QUIET, self._decide)

    async def close(self) -> None:
        """Stop, after what is under way."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.shutdown)

    def _decide(self) -> None:
        self._timer = None
        if self._closed or self._busy:
            return
        if time.monotonic() - self._last < QUIET:
            self._timer = asyncio.get_running_loop().call_later(QUIET, self._decide)
        else:
            self._start()

    def _start(self) -> None:
        self._busy = True
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "turnflow-checkpoint")
        done = asyncio.get_running_loop().run_in_executor(self._thread, self._checkpoint)
        done.add_done_callback(lambda _: self._rest())

    def _checkpoint(self) -> None:
        # A failure here loses nothing: the log stays, and the next write meets the same disk.
        with suppress(apsw.Error), closing(apsw.Connection(str(self._path))) as connection:
            connection.pragma("user_version")  # before its first read a connection knows of no log
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _rest(self) -> None:
        """Under steady load some pages came in meanwhile; only when they are moved too does the log begin anew."""
        self._busy = False
        if self.pages >= LONG and not self._closed:
            self._finish()
