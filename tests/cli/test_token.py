"""The access key of a served page: made once, readable by its owner only, and needed off loopback."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.cli.processes import Run, serving
from tests.cli.test_mistakes import complaint

OWN = "a-key-that-somebody-chose-and-is-long-enough"


def test_the_key_is_made_at_the_first_start_and_used_again_by_the_next(tmp_path: Path) -> None:
    words = ("serve", "examples.demo:registry", "--store", "sqlite:///bot.db", "--port", "0")
    with serving(tmp_path, *words) as first:
        pass
    file = tmp_path / "bot.db.token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() == first.key
    assert len(first.key) >= 32
    with serving(tmp_path, *words) as second:
        assert second.key == first.key


def test_a_key_of_ones_own_is_not_written_down(tmp_path: Path) -> None:
    with serving(tmp_path, "serve", "examples.demo:registry", "--port", "0", TURNFLOW_TOKEN=OWN) as server:
        assert server.key == OWN
    assert not list(tmp_path.glob("*.token"))


def test_a_store_in_memory_says_what_it_keeps_and_has_a_new_key_each_time(tmp_path: Path) -> None:
    words = ("serve", "examples.demo:registry", "--store", "memory://", "--port", "0")
    with serving(tmp_path, *words) as first, serving(tmp_path, *words) as second:
        assert first.key != second.key
        assert first.page != second.page
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_off_loopback_a_key_has_to_be_set(run: Run, host: str) -> None:
    said = complaint(run("serve", "tidy:registry", "--store", "sqlite:///bot.db", "--host", host))
    assert f"listening on {host} makes this reachable for others: set TURNFLOW_TOKEN to at least 32 random" in said
    assert not list(Path().glob("bot.db*"))


def test_a_short_key_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNFLOW_TOKEN", "x" * 31)
    assert "TURNFLOW_TOKEN has 31 characters; at least 32" in complaint(run("serve", "tidy:registry"))


def test_a_file_without_a_proper_key_is_named(run: Run) -> None:
    Path("bot.db.token").write_text("short\n")
    said = complaint(run("serve", "tidy:registry", "--store", "sqlite:///bot.db"))
    assert "bot.db.token holds no key" in said
    assert "delete it" in said
