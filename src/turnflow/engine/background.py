"""A task group whose members run for ever: leaving it cancels them, a failure of one of them ends the whole."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType


class Background(asyncio.TaskGroup):
    """Background services with one common life."""

    def __init__(self) -> None:
        super().__init__()
        self._members: set[asyncio.Task[None]] = set()

    def launch(self, service: Coroutine[object, object, None]) -> None:
        """Run a service until the group is left; once it has failed or been left, nothing more is begun."""
        try:
            task = self.create_task(service)
        except RuntimeError:
            service.close()
            return
        self._members.add(task)
        task.add_done_callback(self._members.discard)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in list(self._members):
            task.cancel()
        await super().__aexit__(kind, error, trace)
