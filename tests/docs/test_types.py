"""What pages tell readers to write into files passes mypy in strict mode, as it will in readers' projects."""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import run

import pytest

from tests.docs.pages import ROOT, Page, pages

WRITTEN = [page for page in pages() if any(block.language == "python" and block.name for block in page.blocks)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_files_of_a_page_type_check(page: Page, tmp_path: Path, cache: Path) -> None:
    folders: dict[Path, list[str]] = {}
    for block in page.blocks:
        if block.language == "python" and block.name:
            path = tmp_path / block.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
            folders.setdefault(path.parent, []).append(path.name)
    for folder, files in folders.items():
        command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", *files]
        checked = run(
            command, cwd=folder, capture_output=True, text=True, env={"MYPYPATH": str(ROOT / "src"), "PATH": ""}
        )
        assert checked.returncode == 0, f"{page.name}:\n{checked.stdout}{checked.stderr}"
