"""Definitions of flows by name and version: those registered here, else those that the store has kept."""

from __future__ import annotations

from turnflow.core.codec import decode_flow, digest
from turnflow.core.definition import Flow
from turnflow.core.ids import FlowName
from turnflow.engine.registry import Registry
from turnflow.errors import UndecodableRow
from turnflow.ports import Store


class Definitions:
    """Finds the definition a run goes by, with or without a registry at hand."""

    def __init__(self, store: Store, registry: Registry | None = None) -> None:
        self._store = store
        self._registry = registry
        self._stored: dict[tuple[FlowName, int, str], Flow | None] = {}
        self._digests: dict[tuple[FlowName, int], tuple[Flow, str]] = {}

    async def of(self, flow: FlowName, version: int, digest: str = "") -> Flow | None:
        """Return a definition (with a digest: the one that has it), or None if nobody has it any more."""
        known = self._registry.definition(flow, version) if self._registry is not None else None
        if known is not None and digest in ("", self.digest(known)):
            return known
        place = (flow, version, digest)
        if place not in self._stored:
            document = await self._store.definition(flow, version, digest)
            try:
                self._stored[place] = decode_flow(document) if document is not None else None
            except UndecodableRow:
                self._stored[place] = None
        return self._stored[place]

    def digest(self, flow: Flow) -> str:
        """Return the hash over what a flow does."""
        place = (flow.name, flow.version)
        known = self._digests.get(place)
        if known is None or known[0] is not flow:
            known = self._digests[place] = (flow, digest(flow))
        return known[1]

    def is_long(self, action: str) -> bool:
        """Tell whether an action is a task of its own; without a registry nobody knows."""
        found = self._registry.action(action) if self._registry is not None else None
        return found is not None and found.kind == "long_run"
