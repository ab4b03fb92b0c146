"""Lines from a terminal, a pipe or a file, without holding up the event loop."""

from __future__ import annotations

import asyncio
import codecs
import io
import os
from collections.abc import AsyncIterator
from typing import TextIO

_CHUNK = 65536


async def typed_lines(stream: TextIO) -> AsyncIterator[str]:
    """Yield the lines of a stream without their ends, until it ends. Bytes that are not UTF-8 become U+FFFD."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError, io.UnsupportedOperation):
        for line in stream:
            yield line.rstrip("\r\n")
        return
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while chunk := await _read(descriptor):
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        for line in lines:
            yield line.rstrip("\r")
    if rest := rest + decoder.decode(b"", final=True):
        yield rest.rstrip("\r")


async def _read(descriptor: int) -> bytes:
    # No thread: one that waits in `readline` could not be interrupted when the program ends.
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except PermissionError:  # a regular file, which is always ready
        return os.read(descriptor, _CHUNK)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, _CHUNK)
