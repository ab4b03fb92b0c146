"""One crash at every single moment at which an example reaches a crash point, the moments of recovery included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.journeys.test_examples import TRANSCRIPTS, registry_of, text_of
from turnflow.testing import Rehearsal, follow

pytestmark = pytest.mark.parametrize("name", TRANSCRIPTS)


def moments(reached: list[str]) -> list[tuple[str, int]]:
    """Return each moment as a point and how often it had been reached by then."""
    count: Counter[str] = Counter()
    found = []
    for point in reached:
        count[point] += 1
        found.append((point, count[point]))
    return found


async def crash_at(name: str, *crashes: tuple[str, int]) -> Rehearsal:
    async with Rehearsal(registry_of(name)) as play:
        for point, hit in crashes:
            play.crash(point, hit=hit)
        report = await follow(play, text_of(name))
        assert report.ok, f"{name}.txt with a crash at {crashes}:\n{report}\n\nplayed:\n{report.played}"
        await play.check()
    return play


async def test_a_crash_at_any_moment_changes_nothing(name: str, record_property: Callable[[str, object], None]) -> None:
    reached = (await crash_at(name)).fuse.reached
    kills = 0
    for moment in moments(reached):
        kills += len((await crash_at(name, moment)).fuse.blown)
    record_property("crashes", kills)
    assert kills >= len(reached) - 2, "the first moments lie before anything can be armed"


async def test_a_second_crash_while_recovering_from_the_first_changes_nothing(name: str) -> None:
    for first in moments((await crash_at(name)).fuse.reached)[::5]:
        for point in ("recovery.begin", "recovery.end", "turn.before_commit", "send.after"):
            await crash_at(name, first, (point, 1))
