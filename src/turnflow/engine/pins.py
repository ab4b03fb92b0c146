"""What live runs go by: the registered code of their flow, or of a document the very definition that they began with."""

from __future__ import annotations

from collections.abc import Callable

from turnflow.core.codec import decode_flow
from turnflow.core.state import RunState
from turnflow.declarative import GraphFlow
from turnflow.engine.registry import Registry
from turnflow.errors import TurnflowError
from turnflow.ports import Handlers, Store


class Pins:
    """Code by run. A document that was changed under its version is read from the store, for the runs that began with it."""

    def __init__(self, registry: Registry, store: Store, report: Callable[[str, BaseException | None], None]) -> None:
        self._registry = registry
        self._store = store
        self._report = report
        self._known: dict[str, Handlers] = {}

    def handlers(self, state: RunState) -> Handlers | None:
        """Return the code of a run that was pinned, or whose code is registered; None if it is gone."""
        if not state.digest or self._registry.digest(state.flow, state.version) == state.digest:
            return self._registry.handlers(state.flow, state.version)
        return self._known.get(state.digest)

    async def pin(self, state: RunState) -> None:
        """Have the definition at hand that a run goes by, if another one is registered now. Raises `StoreUnavailable`."""
        if not state.digest or self.handlers(state) is not None:
            return
        document = await self._store.definition(state.flow, state.version, state.digest)
        if document is None:
            return
        try:
            self._known[state.digest] = GraphFlow(decode_flow(document)).build()
        except TurnflowError as error:
            self._report(f"the definition that run {state.run} goes by cannot be read: {error}", error)
