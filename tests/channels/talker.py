"""A terminal conversation as a process of its own: `python -m tests.channels.talker FILE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.channels.scripted import Scripted
from turnflow.channels.terminal import run_terminal


async def main() -> None:
    runtime = Scripted(Path(sys.argv[1]))
    await run_terminal(runtime)
    assert runtime.channels == []
    print("left in order")


if __name__ == "__main__":
    asyncio.run(main())
