"""A thread for each call of a synchronous action: one that never returns holds up neither other calls nor the process's end."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def in_thread(call: Callable[[], T]) -> T:
    """Run a call in a thread of its own and return what it returns, or raise what it raises.

    If whoever awaits it is cancelled, the thread is left to itself: threads cannot be ended from outside.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]  # without an error there is a result
        elif isinstance(error, StopIteration):  # a future cannot carry it
            future.set_exception(RuntimeError(f"the function raised StopIteration: {error}"))
        else:
            future.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = context.run(call)
        except BaseException as raised:  # whatever it is, it is for whoever called
            error = raised
        with suppress(RuntimeError):  # the loop may be closed by now: then nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    Thread(target=run, name="turnflow-action", daemon=True).start()
    return await future
