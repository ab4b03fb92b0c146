"""The shape of the code, kept by tests: sizes, names, who may import what, and what must not stand in a file.

The order of the layers is kept by import-linter (pyproject.toml); banned functions by ruff. Here stands the rest.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "turnflow"

FILE_LIMIT = 500
FILE_BUDGET = 300
FUNCTION_LIMIT = 50
EXAMPLE_LIMIT = 80

LONG_FILES: dict[str, str] = {}
"""Files over the budget, each with the reason why it is one noun all the same."""

FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}

CORE_STDLIB = {
    "datetime",  # to read moments; ruff bans its clock
    "__future__", "abc", "base64", "bisect", "collections", "dataclasses", "difflib", "enum", "functools", "hashlib", "heapq",
    "itertools", "json", "math", "operator", "re", "string", "types", "typing", "zlib",
}  # fmt: skip
"""What the core may import of the standard library: data and pure functions."""

FENCES: dict[str, tuple[str, ...]] = {
    "msgspec": ("",),
    "apsw": ("stores/sqlite/",),
    "email_validator": ("answers/",),
    "phonenumbers": ("answers/",),
    "httpx": ("actions/outbound/",),
    "pydantic": ("answers/", "authoring/", "actions/"),
    "yaml": ("declarative/",),
    "jsonschema_rs": ("declarative/",),
    "litestar": ("channels/webchat/",),
    "uvicorn": ("channels/webchat/", "cli/"),
    "cel_expr_python": ("expressions/",),
    "cronsim": ("cron.py",),
    "graphlay": ("diagram/",),
    "resvg_py": ("diagram/",),
    "typer": ("cli/",),
    "rich": ("cli/", "channels/terminal/"),
}
"""Where each third-party library may be imported ("" is everywhere); a library that is not listed: nowhere."""

CONCRETE = ("stores", "channels")
MAY_NAME_CONCRETE = ("app", "cli", "testing", "stores", "channels")
"""Which top-level parts may import a store or a channel (`testing` composes engines); everyone else is handed one."""


@cache
def tracked() -> tuple[Path, ...]:
    """Files of the project: those git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return tuple(path for line in sorted(set(listed.stdout.splitlines())) if (path := ROOT / line).is_file())


def python_files(*folders: str) -> list[Path]:
    return [p for p in tracked() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in folders]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Each imported module with its line; names taken from a module are left out."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno


def docstrings(module: ast.Module) -> set[int]:
    """Identities of the constants that document something: a statement of their own."""
    return {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}


def text_files() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        raw = path.read_bytes()
        if b"\0" not in raw:
            yield path, raw.decode()


# --- sizes and names ----------------------------------------------------------------------------------------------


def test_a_file_is_one_noun_and_fits_in_the_head() -> None:
    sizes = {name(p): len(p.read_text().splitlines()) for p in python_files("src", "tests", "bench", "examples")}
    too_long = {path: lines for path, lines in sizes.items() if lines > FILE_LIMIT}
    assert not too_long, f"over {FILE_LIMIT} lines: which second noun moved in? {too_long}"
    unexplained = {p: n for p, n in sizes.items() if n > FILE_BUDGET and p.startswith("src") and p not in LONG_FILES}
    assert not unexplained, f"over {FILE_BUDGET} lines: split, or give the reason in LONG_FILES: {unexplained}"
    stale = [path for path in LONG_FILES if sizes.get(path, 0) <= FILE_BUDGET]
    assert not stale, f"within the budget again: take it off LONG_FILES: {stale}"


def test_functions_fit_on_a_screen() -> None:
    found = []
    for path in python_files("src", "tests", "bench", "examples"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LIMIT:
                    found.append(f"{name(path)}:{node.lineno} {node.name} ({lines})")
    assert not found, f"functions over {FUNCTION_LIMIT} lines: {found}"


def test_no_module_is_a_drawer_for_everything() -> None:
    found = [name(p) for p in tracked() if FORBIDDEN_NAMES & {part.strip("_") for part in p.with_suffix("").parts}]
    assert not found, f"a module is named by its noun: {found}"


def test_what_a_package_hands_on_stands_in_its_all() -> None:
    found = []
    for path in python_files("src"):
        if path.name != "__init__.py":
            continue
        hands_on = [n for n in tree(path).body if isinstance(n, ast.ImportFrom) and n.module != "__future__"]
        has_all = any(
            isinstance(n, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in n.targets)
            for n in tree(path).body
        )
        if hands_on and not has_all:
            found.append(name(path))
    assert not found, f"packages that re-export without __all__: {found}"  # ruff keeps it sorted


# --- imports ------------------------------------------------------------------------------------------------------


def test_the_core_imports_only_data_modules() -> None:
    found = []
    for path in [*(p for p in python_files("src") if p.is_relative_to(SRC / "core")), SRC / "errors.py"]:
        for module, line in imports(path):
            top = module.split(".")[0]
            pure = top in CORE_STDLIB or top == "msgspec" or module.startswith(("turnflow.core", "turnflow.errors"))
            if not pure:
                found.append(f"{name(path)}:{line} {module}")
    assert not found, f"the core has no clock, no chance, no I/O, no user code: {found}"


def test_the_core_gives_equal_outputs_for_equal_inputs() -> None:
    impure = {"hash", "id", "open", "print", "input", "eval", "exec", "globals", "vars", "__import__"}
    found = [
        f"{name(path)}:{node.lineno} {node.func.id}()"
        for path in python_files("src")
        if path.is_relative_to(SRC / "core")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in impure
    ]
    assert not found, f"differs from process to process, or reaches outside: {found}"


def test_each_library_stays_in_its_adapter() -> None:
    found = []
    for path in python_files("src"):
        place = path.relative_to(SRC).as_posix()
        for module, line in imports(path):
            top = module.split(".")[0]
            if top in sys.stdlib_module_names or top == "turnflow":
                continue
            if not any(place.startswith(prefix) for prefix in FENCES.get(top, ())):
                found.append(f"{name(path)}:{line} {module}")
    assert not found, f"outside its fence (see FENCES): {found}"


def test_only_composition_roots_name_a_store_or_a_channel() -> None:
    found = []
    for path in python_files("src"):
        place = path.relative_to(SRC).parts[0].removesuffix(".py")
        if place in MAY_NAME_CONCRETE:
            continue
        for module, line in imports(path):
            if module.startswith(tuple(f"turnflow.{part}" for part in CONCRETE)):
                found.append(f"{name(path)}:{line} {module}")
    assert not found, f"take the port, let the caller bring the store or channel: {found}"


def test_a_codec_does_not_know_its_channel() -> None:
    found = [
        f"{name(path)}:{line} {module}"
        for path in python_files("src")
        if path.name == "codec.py"
        for module, line in imports(path)
        if module.endswith(".channel") or module in {"asyncio", "socket"}
    ]
    assert not found, f"a codec is pure: {found}"


def test_nothing_inside_goes_through_the_front_door() -> None:
    parts = {path.stem for path in SRC.iterdir()}
    found = [
        f"{name(path)}:{node.lineno}"
        for path in python_files("src")
        if path != SRC / "__init__.py"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "turnflow" and {a.name for a in node.names} - parts
    ]
    assert not found, f"import from the module itself, not from `turnflow`: {found}"


# --- what stands in files -----------------------------------------------------------------------------------------

SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s\w+\s)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX))\b",
    re.DOTALL,
)
HTML = re.compile(r"<(html|body|div|span|script|style|button|form|svg)\b|</\w+>", re.IGNORECASE)


@pytest.mark.parametrize("pattern", [pytest.param(SQL, id="SQL"), pytest.param(HTML, id="HTML")])
def test_other_languages_live_in_files_of_their_own(pattern: re.Pattern[str]) -> None:
    found = []
    for path in python_files("src", "examples"):
        documented = docstrings(tree(path))
        texts = (n for n in ast.walk(tree(path)) if isinstance(n, ast.Constant) and isinstance(n.value, str))
        found += [
            f"{name(path)}:{node.lineno}"
            for node in texts
            if id(node) not in documented and pattern.search(str(node.value))
        ]
    assert not found, f"another language inside Python strings: {found}"


def test_nothing_is_left_to_do_in_comments() -> None:
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    found = [
        f"{name(path)}:{number}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if marks.search(line)
    ]
    assert not found, f"do it, or file an issue: {found}"


def test_every_ignored_check_has_its_reason() -> None:
    ignored = re.compile(r"#\s*(type:\s*ignore|noqa|pragma:\s*no cover)")
    explained = re.compile(r"#\s*(type:\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z0-9, ]+|pragma:\s*no cover)\s*(#|--?)\s*\w+")
    found = [
        f"{name(path)}:{number}"
        for path in python_files("src", "tests", "bench", "examples")
        if path != Path(__file__) and "tests/typing/" not in name(path)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if ignored.search(line) and not explained.search(line)
    ]
    assert not found, f"say what is ignored and why, as in `# type: ignore[arg-type]  # because ...`: {found}"


def test_no_file_names_a_machine_or_a_registry() -> None:
    places = re.compile(r"(^|[^a-zA-Z.])/(work|farm|root)/|/home/[a-z]|/Users/[a-z]")
    hosts = re.compile("|".join(["pypi" + r"\.org", "python" + "hosted", r"registry\.npm" + "js", "deb" + r"\.debian"]))
    found = [
        f"{name(path)}:{number}"
        for path, text in text_files()
        if path != Path(__file__)
        for number, line in enumerate(text.splitlines(), 1)
        if places.search(line) or hosts.search(line)
    ]
    assert not found, f"paths of one machine, addresses of one registry: {found}"
    locks = [name(p) for p in tracked() if p.name in {"uv.lock", "pylock.toml", "poetry.lock", "package-lock.json"}]
    assert not locks, f"lock files carry registry addresses: {locks}"


# --- commands, examples, decisions ---------------------------------------------------------------------------------------


def test_make_alone_explains_every_command() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"dev"}
    unexplained = [target for target in sorted(targets) if f"make {target} " not in listed]
    assert not unexplained, f"say what it does after `##` in the Makefile: {unexplained}"


def test_every_example_is_short_and_stands_beside_its_transcripts() -> None:
    for path in python_files("examples"):
        if path.name == "__init__.py":
            continue
        lines = len(path.read_text().splitlines())
        assert lines <= EXAMPLE_LIMIT, f"{name(path)} has {lines} lines: an example fits on one page"
        if path.stem not in ("demo", "actions"):  # they only serve the others
            beside = [p for p in path.parent.iterdir() if p.suffix != ".py" and p.name.startswith(path.stem)]
            assert beside, f"{name(path)} has no transcript beside it"


def test_decisions_are_numbered_dated_and_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    pages = sorted(p for p in folder.glob("*.md") if p.name != "README.md")
    for number, page in enumerate(pages):
        assert re.fullmatch(rf"{number:04d}-[a-z0-9-]+\.md", page.name), f"expected number {number:04d}: {page.name}"
        assert f"]({page.name})" in index, f"docs/decisions/README.md does not list {page.name}"
        text = page.read_text()
        for heading in ("## Context", "## Decision", "## Consequences"):
            assert heading in text, f"{page.name} lacks the part {heading!r}"
