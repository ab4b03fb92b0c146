"""A sign of life: tells at once that a process which holds leases is gone, so that its successor need not wait for their end.

Each store that takes leases locks a small file of its own beside the database. The operating system lets go of the lock when the
process ends, however it ends. Where there are no such locks, leases simply run out.
"""

from __future__ import annotations

import glob
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_MARK = "-life-"


class Lifeline:
    """The sign of life of one open store, and a look at those of others."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._token = ""
        self._file: int | None = None

    @property
    def token(self) -> str:
        """Name of the own sign of life, which exists from now on; "" where there is none."""
        if self._file is None and sys.platform != "win32":
            token = secrets.token_hex(8)
            self._file = os.open(self._path(token), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            os.write(self._file, b"%d" % os.getpid())
            self._token = token
        return self._token

    def has_ended(self, token: str) -> bool:
        """Tell whether the store that showed this sign of life is certainly gone."""
        if not token or sys.platform == "win32":
            return False
        try:
            file = os.open(self._path(token), os.O_RDWR)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._path(token).unlink(missing_ok=True)
        except OSError:
            return False
        finally:
            os.close(file)
        return True

    def others(self) -> list[int]:
        """Return the ids of the processes that show signs of life beside this one; 0 for one that has not said its id yet.

        It only looks: a sign of life that is not locked yet may be one that is just being made.
        """
        if sys.platform == "win32":
            return []
        found = []
        for path in sorted(self._database.parent.glob(f"{glob.escape(self._database.name)}{_MARK}*")):
            with suppress(OSError):
                if path.name.rpartition(_MARK)[2] != self._token and (shown := _read_if_locked(path)) is not None:
                    found.append(int(shown or 0))
        return found

    def close(self) -> None:
        """End the own sign of life."""
        if self._file is not None:
            self._path(self._token).unlink(missing_ok=True)
            os.close(self._file)
            self._file, self._token = None, ""

    def _path(self, token: str) -> Path:
        return self._database.with_name(f"{self._database.name}{_MARK}{token}")


def _read_if_locked(path: Path) -> bytes | None:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read()
    return None
