"""Every block of every page is run: a page whose snippets do not work is a defect like any other."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.docs.drawings import drawn
from tests.docs.pages import ROOT, Block, Page, pages
from tests.docs.terminal import Terminal
from turnflow.declarative import load_flow, read_document
from turnflow.errors import InvalidFlow

LANGUAGES = {"python", "transcript", "console", "mermaid", "yaml", "json"}
ELSEWHERE = {"docs/how-to/write-your-own-store.md": "tests/stores/test_docs.py"}
"""Pages whose snippets have a test of their own."""
FRESH = {"docs/tutorial/first-flow.md"}
"""Pages that install Turnflow themselves: their terminals do not know the project's environment."""


@pytest.mark.parametrize("page", [page for page in pages() if page.name not in ELSEWHERE], ids=lambda page: page.name)
def test_every_block_is_of_a_kind_that_is_tested(page: Page) -> None:
    for block in page.blocks:
        assert block.language in LANGUAGES, f"{page.name}:{block.line}: nothing tests a {block.language!r} block"
        assert block.name or block.language not in ("transcript", "mermaid"), (
            f"{page.name}:{block.line}: name the block"
        )


def test_snippets_that_are_tested_elsewhere_are_named_there() -> None:
    for page, test in ELSEWHERE.items():
        assert Path(page).name in (ROOT / test).read_text(), f"{test} does not read {page}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "page", [p for p in pages() if p.blocks and p.name not in ELSEWHERE], ids=lambda page: page.name
)
def test_every_snippet_of_a_page_works(page: Page, tmp_path: Path) -> None:
    _Reader(page, tmp_path).read()


class _Reader:
    """Somebody who does everything a page says, in one empty folder."""

    def __init__(self, page: Page, folder: Path) -> None:
        self._page = page
        self._folder = folder
        self._names: dict[str, object] = {"__name__": page.name}
        self._terminals: dict[str, Terminal] = {}
        self._visited: set[str] = set()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]

    def read(self) -> None:
        if self._page.name in FRESH:
            (self._folder / "turnflow").symlink_to(ROOT)
        with ExitStack() as self._open:
            for block in self._page.blocks:
                where = f"{self._page.name}:{block.line}"
                match block.language:
                    case "console" if block.text.startswith("$ make "):
                        _look_up(block, where)
                    case "console":
                        self._terminal(block.name).play(block.text, where)
                    case "yaml" if not block.name.startswith("broken"):
                        load_flow(block.text, name=where)
                        self._write(block)
                    case "yaml":
                        with pytest.raises(InvalidFlow):
                            load_flow(block.text, name=where)
                        self._write(block)
                    case "json":
                        read_document(block.text, where)
                        self._write(block)
                    case "python" | "transcript" if block.name:
                        self._write(block)
                    case "python":
                        self._run(block, where)
                    case _:
                        assert block.text == drawn(self._page, block), f"{where}: run `python -m tests.docs.drawings`"

    def _write(self, block: Block) -> None:
        if not block.name:
            return
        path = self._folder / block.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def _run(self, block: Block, where: str) -> None:
        """Run a block among the names of the earlier ones; `await` may stand at its top level."""
        code = compile(
            "\n" * (block.line - 1) + block.text, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
        )
        here, known = Path.cwd(), set(sys.modules)
        os.chdir(self._folder)
        sys.path.insert(0, str(self._folder))
        try:
            found = eval(code, self._names)
            if inspect.iscoroutine(found):
                asyncio.run(found)
        finally:
            os.chdir(here)
            sys.path.remove(str(self._folder))
            for name in set(sys.modules) - known:
                if str(getattr(sys.modules[name], "__file__", "")).startswith(str(self._folder)):
                    del sys.modules[name]  # another page may have a file of that name

    def _terminal(self, name: str) -> Terminal:
        if name not in self._terminals:
            terminal = Terminal(self._folder, self._environment(), self._port, self._visit)
            self._terminals[name] = self._open.enter_context(terminal)
        return self._terminals[name]

    def _environment(self) -> dict[str, str]:
        """What a reader's shell knows; `turnflow` and `python` are the project's, unless the page installs its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_", "VIRTUAL"))}
        if self._page.name not in FRESH:
            kept["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), kept["PATH"]))
        return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def _visit(self, address: str) -> None:
        """Do what a browser does with a printed address."""
        if address in self._visited:
            return
        self._visited.add(address)
        base, _, token = address.partition("#")
        with httpx.Client(base_url=base, trust_env=False) as browser:
            assert browser.get("/").status_code == 401
            assert browser.post("/session", json={"token": token}).status_code == 204
            assert browser.get("/").status_code == 200


def _look_up(block: Block, where: str) -> None:
    """See that the Makefile knows the targets. What they do is tested elsewhere; a test run that runs itself would not end."""
    for line in block.text.splitlines():
        target = line.removeprefix("$ make ").split("#")[0].split()[0]
        made = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
        assert made.returncode == 0, f"{where}: make {target}: {made.stderr}"
