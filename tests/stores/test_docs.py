"""The page about writing a store: its code is run as a reader would run it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path("docs") / "how-to" / "write-your-own-store.md"
BLOCK = re.compile(r"^```(?:python|ini)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    """The files of the page, under the names it gives them."""
    for name, text in BLOCK.findall((root / PAGE).read_text()):
        (tmp_path / name).write_text(text)
    return tmp_path


def run(folder: Path, *command: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_store_of_the_page_keeps_the_contract(folder: Path) -> None:
    assert " passed" in run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_filestore.py")


def test_the_engine_runs_on_the_store_of_the_page(folder: Path) -> None:
    for _ in range(2):
        assert "a store of our own" in run(folder, "bot.py")
    assert (folder / "bot.jsonl").stat().st_size
