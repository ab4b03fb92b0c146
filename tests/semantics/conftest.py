"""Every promise is played on the memory store and on SQLite, and the store is held against the guarantees at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from turnflow import Registry, Texts
from turnflow.engine.registry import Buildable
from turnflow.testing import Rehearsal


class Rehearsing(Protocol):
    """Opens a rehearsal of flows on the store of the test; a single flow starts on /start."""

    def __call__(
        self,
        flows: Registry | Buildable,
        *,
        roles: Mapping[str, Collection[str]] | None = None,
        resources: Iterable[object] = (),
        texts: Texts | None = None,
        cancel_command: str = "cancel",
        checked: bool = True,
    ) -> AbstractAsyncContextManager[Rehearsal]: ...


@pytest.fixture(params=["memory", "sqlite"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/turnflow.db"


@pytest.fixture
def rehearse(store_url: str) -> Rehearsing:
    @asynccontextmanager
    async def opened(
        flows: Registry | Buildable,
        *,
        roles: Mapping[str, Collection[str]] | None = None,
        resources: Iterable[object] = (),
        texts: Texts | None = None,
        cancel_command: str = "cancel",
        checked: bool = True,
    ) -> AsyncIterator[Rehearsal]:
        play = Rehearsal(
            flows,
            store=store_url,
            roles=roles,
            resources=resources,
            texts=texts,
            cancel_command=cancel_command,
        )
        async with play:
            yield play
            if checked:
                await play.check()

    return opened
