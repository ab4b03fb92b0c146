"""Those who wait for something: each gets an answer, at the latest when the engine stops."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from turnflow.core.ids import RunId
from turnflow.core.state import Ending
from turnflow.errors import EngineStopped
from turnflow.ports import Delivery

T = TypeVar("T")


class Callers:
    """Futures that callers of the engine wait for."""

    def __init__(self) -> None:
        self.inputs: dict[str, asyncio.Future[Delivery]] = {}
        """By the id of the input that is being delivered."""
        self.endings: dict[RunId, set[asyncio.Future[Ending]]] = {}
        """By the run whose end is waited for."""
        self._others: set[asyncio.Future[Delivery]] = set()

    def expect(self) -> asyncio.Future[Delivery]:
        """Return a future for something that is no input."""
        future: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        self._others.add(future)
        future.add_done_callback(self._others.discard)
        return future

    def expect_end(self, run: RunId) -> asyncio.Future[Ending]:
        """Return a future for the end of a run; hand it to `forget_end` afterwards."""
        future: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.endings.setdefault(run, set()).add(future)
        return future

    def forget_end(self, run: RunId, future: asyncio.Future[Ending]) -> None:
        """Drop a future made by `expect_end`."""
        waiting = self.endings.get(run, set())
        waiting.discard(future)
        if not waiting:
            self.endings.pop(run, None)

    def ended(self, run: RunId, ending: Ending) -> None:
        """Tell those who wait for a run."""
        for future in self.endings.pop(run, ()):
            if not future.done():
                future.set_result(ending)

    def take_over(self, id: str) -> asyncio.Future[Delivery]:
        """Return a future for an input whose caller has gone away, so that repeats of it are known until it is settled."""
        future: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        self.inputs[id] = future
        future.add_done_callback(lambda done: self._drop(id, done))
        return future

    def drop(self, id: str, future: asyncio.Future[Delivery]) -> None:
        """Forget an input that has been answered; unless somebody else waits for it by now."""
        if self.inputs.get(id) is future:
            del self.inputs[id]

    def _drop(self, id: str, future: asyncio.Future[Delivery]) -> None:
        self.drop(id, future)
        if not future.cancelled():
            future.exception()  # nobody else will look at it

    def dismiss(self) -> None:
        """Send everybody away."""
        for delivery in (*self.inputs.values(), *self._others):
            _dismiss(delivery)
        for ending in [future for waiting in self.endings.values() for future in waiting]:
            _dismiss(ending)


def _dismiss(future: asyncio.Future[T]) -> None:
    if not future.done():
        future.set_exception(EngineStopped("the engine has stopped; ask a running one, with the same ids"))
