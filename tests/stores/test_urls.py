"""Store URLs: what they name, and what is said about those that name nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnflow.errors import BadStoreUrl
from turnflow.stores import MemoryStore, SqliteStore, open_store


def test_memory_names_a_store_without_a_file() -> None:
    assert isinstance(open_store("memory://"), MemoryStore)


async def test_three_slashes_are_a_relative_path_and_four_an_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for url, file in (
        ("sqlite:///bot.db", "bot.db"),
        (f"sqlite:///{tmp_path}/absolute.db", "absolute.db"),
        ("sqlite:///with%20blank%23.db", "with blank#.db"),
    ):
        store = open_store(url)
        await store.open()
        await store.close()
        assert (tmp_path / file).exists()


def test_a_store_is_made_without_touching_anything(tmp_path: Path) -> None:
    assert isinstance(open_store(f"sqlite:///{tmp_path}/bot.db"), SqliteStore)
    assert list(tmp_path.iterdir()) == []


def test_synchronous_normal_is_a_choice_that_the_grade_tells() -> None:
    assert open_store("sqlite:///bot.db").grade.survives_power_loss
    weaker = open_store("sqlite:///bot.db?synchronous=normal").grade
    assert (weaker.survives_kill, weaker.survives_power_loss) == (True, False)
    assert "synchronous=full" in weaker.detail


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("", "memory://"),
        ("bot.db", "sqlite:///relative.db"),
        ("postgres://host/db", "sqlite:///relative.db"),
        ("sqlite://bot.db", "sqlite:///bot.db"),
        ("sqlite://folder/bot.db", "sqlite:///folder/bot.db"),
        ("sqlite:///", "sqlite:///relative.db"),
        ("sqlite:///folder/", "sqlite:///relative.db"),
        ("sqlite:///:memory:", "memory://"),
        ("sqlite:///bot.db?sync=off", "'sync'"),
        ("sqlite:///bot.db?synchronous=off", "full or normal"),
        ("sqlite:///a#b.db", "%23"),
        ("memory://name", "memory://"),
        ("memory://?synchronous=full", "memory://"),
    ],
)
def test_a_url_that_names_no_store_is_refused_with_the_remedy(url: str, remedy: str) -> None:
    with pytest.raises(BadStoreUrl) as caught:
        open_store(url)
    assert repr(url) in str(caught.value)
    assert remedy in str(caught.value)
