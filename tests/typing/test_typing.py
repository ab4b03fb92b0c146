"""What must type-check does, and what must not does not: mypy strict over `cases/`, compared line by line.

A line that mypy must refuse ends in `# E: code` (several codes with commas); every other line must pass.
"""

from __future__ import annotations

import re
from pathlib import Path

from mypy import api

CASES = Path(__file__).parent / "cases"
FOUND = re.compile(r"(?P<file>[^:\n]+):(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$", re.MULTILINE)


def expected() -> set[tuple[str, int, str]]:
    """Return file, line and code of every marked line."""
    marks = set()
    for path in CASES.glob("*.py"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if "# E: " in line:
                marks |= {(path.name, number, code.strip()) for code in line.split("# E: ")[1].split(",")}
    return marks


def test_wrong_targets_fields_and_types_are_found_and_nothing_else(root: Path, tmp_path: Path) -> None:
    options = ["--config-file", str(root / "pyproject.toml"), "--cache-dir", str(tmp_path), "--no-error-summary"]
    report, errors, _ = api.run([*options, "--no-pretty", *map(str, sorted(CASES.glob("*.py")))])
    assert not errors
    found = {(Path(hit["file"]).name, int(hit["line"]), hit["code"]) for hit in FOUND.finditer(report)}
    assert found == expected(), report
    assert len(found) >= 25
