"""The demo as `make demo` starts it, on a port and in a folder of its own; and what its store has on record."""

from __future__ import annotations

import re
import shlex
import socket
from pathlib import Path

from tests.cli.processes import ROOT, Server
from turnflow.core.ids import FlowName
from turnflow.ports import ResultRecord, RunQuery, RunRecord
from turnflow.stores import SqliteStore

STORE = Path(".demo/demo.db")


def words(port: int) -> list[str]:
    """What the Makefile's target hands to `turnflow`."""
    found = re.search(
        r"^demo:.*?\$\(BIN\)/turnflow ([^\n]*)", (ROOT / "Makefile").read_text(), re.DOTALL | re.MULTILINE
    )
    assert found, "the Makefile's target `demo` runs turnflow"
    return shlex.split(found[1].replace("$(PORT)", str(port)))


class Demo(Server):
    """The server, which may be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        super().__init__(folder, *words(port))
        self.folder = folder
        self.store = folder / STORE
        self.store.parent.mkdir()

    async def runs(self, flow: str) -> list[RunRecord]:
        """The runs of a flow, as the store has them now."""
        store = SqliteStore(self.store)
        await store.open()
        try:
            return await store.find(RunQuery(flow=FlowName(flow)))
        finally:
            await store.close()

    async def recorded(self, flow: str) -> list[ResultRecord]:
        """The outcomes of actions that the runs of a flow have called."""
        runs = await self.runs(flow)
        store = SqliteStore(self.store)
        await store.open()
        try:
            return [result for run in runs for result in await store.results(run.run, "")]
        finally:
            await store.close()
