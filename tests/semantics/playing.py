"""What the tests of the semantics look at again and again."""

from __future__ import annotations

from typing import Final

from msgspec import json

from turnflow import Texts
from turnflow.core.ids import Json
from turnflow.core.state import Ending
from turnflow.testing import Rehearsal

SORRY: Final = Texts().failed
INACTIVE: Final = Texts().inactive
EXPIRED: Final = Texts().expired


def result_of(ending: Ending) -> Json:
    """Return a run's result as plain JSON."""
    return None if ending.result is None else json.decode(ending.result)


async def results(play: Rehearsal) -> list[Json]:
    """Return the results of runs that have ended, in that order."""
    return [result_of(ending) for ending in await play.endings()]
