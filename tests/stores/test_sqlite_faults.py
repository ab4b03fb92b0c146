"""SQLite on a disk that fails now and then: an error each time, nothing half, and it goes on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from turnflow.core.ids import ConversationId, MailboxId, RunId
from turnflow.errors import StoreUnavailable
from turnflow.ports import Accepted, Repeated
from turnflow.stores import SqliteStore
from turnflow.testing.store_promises.subject import EVERY, LONG, entry, reasons, turn

M = MailboxId("m")


class Disk(apsw.VFS):
    """The operating system's files, of which calls fail with a given probability."""

    def __init__(self, seed: int) -> None:
        self.real = apsw.vfs_names()[0]
        super().__init__("faulty", self.real)
        self.chance = 0.0
        self.fired = 0
        self._random = random.Random(seed)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return File(self, name, flags)

    def fail(self) -> None:
        if self._random.random() < self.chance:
            self.fired += 1
            raise apsw.IOError("input/output error")


class File(apsw.VFSFile):
    """A file of that disk."""

    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__(disk.real, name, flags)
        self._disk = disk

    def xSync(self, flags: int) -> None:
        self._disk.fail()
        super().xSync(flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.fail()
        super().xWrite(data, offset)

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.fail()
        return super().xRead(amount, offset)


@pytest.fixture
def disk(request: pytest.FixtureRequest) -> Iterator[Disk]:
    faulty = Disk(request.param)
    apsw.set_default_vfs("faulty")
    yield faulty
    apsw.set_default_vfs(faulty.real)
    faulty.unregister()


@pytest.mark.parametrize("disk", range(5), indirect=True)
@pytest.mark.parametrize("threaded", [False, True])
async def test_a_failing_disk_leaves_every_turn_whole_or_absent(tmp_path: Path, disk: Disk, threaded: bool) -> None:
    store = SqliteStore(tmp_path / "store.db", threaded=threaded)
    await store.open()
    await store.acquire("now", EVERY, LONG)
    failures = 0
    for number in range(1, 101):
        disk.chance = 0.02
        try:
            assert reasons(await store.commit([turn("m", number), turn("n", number)])) == ["", ""]
        except StoreUnavailable:
            failures += 1
            disk.chance = 0.0
            again = reasons(await store.commit([turn("m", number), turn("n", number)]))
            assert again in (["", ""], ["duplicate", "duplicate"]), "together, as they were committed"
    disk.chance = 0.0
    assert failures
    assert disk.fired >= failures
    for _ in range(2):
        for name in ("m", "n"):
            assert (await store.load(MailboxId(name))).seq == 100
            assert len(await store.journal(RunId(name))) == 100
            assert len(await store.history(ConversationId(name), limit=1000)) == 200
        await store.close()
        await store.open()
    await store.close()


@pytest.mark.parametrize("disk", range(3), indirect=True)
async def test_what_a_failing_disk_accepted_is_there_once(tmp_path: Path, disk: Disk) -> None:
    store = SqliteStore(tmp_path / "store.db")
    await store.open()
    for number in range(1, 101):
        disk.chance = 0.05
        try:
            assert await store.accept([entry("m", str(number))]) == [Accepted(number)]
        except StoreUnavailable:
            disk.chance = 0.0
            assert await store.accept([entry("m", str(number))]) in ([Accepted(number)], [Repeated(False)])
    disk.chance = 0.0
    assert [one.id for one in (await store.load(M)).waiting] == [str(number) for number in range(1, 101)]
    await store.close()
