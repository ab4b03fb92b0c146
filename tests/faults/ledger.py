"""Files that outlive a kill: what actions did in the world, and what a channel got, one JSON line each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from turnflow.ports import Outbound


def append(path: Path, line: bytes) -> None:
    """Write a line in one go; once this returns, a kill of the process does not undo it."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(handle, line + b"\n")
    finally:
        os.close(handle)


class Deed(Struct, frozen=True):
    """One thing an action did."""

    key: str
    what: str


class Ledger:
    """What actions did in the world."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, key: str, what: str) -> None:
        append(self.path, msgspec.json.encode(Deed(key, what)))

    def deeds(self) -> list[Deed]:
        if not self.path.exists():
            return []
        return [msgspec.json.decode(line, type=Deed) for line in self.path.read_bytes().splitlines()]


class FileChannel:
    """A channel whose conversations are lines of a file. The person's side of it survives every kill."""

    def __init__(self, path: Path, prefix: str = "t:") -> None:
        self.path = path
        self.prefix = prefix

    async def send(self, outbound: Outbound) -> str:
        append(self.path, msgspec.json.encode(outbound))
        return f"m{outbound.seq}.{outbound.index}"


def sent(path: Path) -> Sequence[Outbound]:
    """Return every copy of every reply that reached a file channel."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Outbound) for line in path.read_bytes().splitlines()]
