"""`turnflow check`: everything that is wrong with flow files, one line a problem."""

from __future__ import annotations

from pathlib import Path

from turnflow.cli.flow_file import read_flow
from turnflow.errors import InvalidFlow, Problem


def check(files: list[Path]) -> tuple[list[str], int]:
    """Return the lines to print and the exit code. Raises `CallerError` for a file that cannot be read."""
    lines: list[str] = []
    wrong = 0
    for file in files:
        try:
            graph = read_flow(file)
        except InvalidFlow as error:
            wrong += 1
            lines += [_line(file, problem) for problem in error.problems]
        else:
            flow = graph.flow
            lines.append(f"{file}: flow {flow.name!r} version {flow.version} is valid")
    return lines, 1 if wrong else 0


def _line(file: Path, problem: Problem) -> str:
    return f"{file}:{problem.line or 1}:{problem.column or 1}: {problem.path or 'flow'}: {problem.message} [{problem.code}]"
