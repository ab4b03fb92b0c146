"""`turnflow chat`: talk to flows in a terminal."""

from __future__ import annotations

from turnflow.app import open_engine
from turnflow.channels.terminal import run_terminal
from turnflow.cli.finding import find_registry
from turnflow.cli.keeping import own_store


async def chat(registry: str, store: str, who: str) -> None:
    """Talk until the input ends."""
    flows = find_registry(registry)
    async with open_engine(flows, store=own_store(store)) as engine:
        await run_terminal(engine, user=who, conversation=who)
