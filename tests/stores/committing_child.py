"""A process to be killed: it commits turn after turn and prints the number of each that was acknowledged.

Given the name of a crash point it kills itself there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from turnflow.core.ids import MailboxId
from turnflow.stores import SqliteStore
from turnflow.testing.store_promises.subject import EVERY, LONG, entry, turn


async def main(path: Path, deadly: str) -> None:
    def crash(point: str) -> None:
        if point == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    store = SqliteStore(path, crash=crash)
    await store.open()
    await store.acquire("child", EVERY, LONG)
    await store.accept([entry("other", "a")])
    await store.retake(MailboxId("other"), [1])
    if deadly.startswith("store.release"):
        await store.release("child")
    number = 0
    while True:
        number += 1
        await store.commit([turn("m", number)])
        print(number, flush=True)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
