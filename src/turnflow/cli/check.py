"""`turnflow check`: everything that is wrong with flow files, one line a problem."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from turnflow.cli.callable_parts import CallableParts
from turnflow.cli.flow_file import text_of
from turnflow.declarative import read_document
from turnflow.declarative.loading import load_document
from turnflow.errors import InvalidFlow, Problem


def check(files: Sequence[Path], actions: Sequence[str] = ()) -> tuple[list[str], int]:
    """Return the lines to print and the exit code.

    Raises `CallerError` for a file that cannot be read, and for actions that cannot be imported.
    """
    lines: list[str] = []
    wrong = 0
    parts = CallableParts(actions, files)
    for file in files:
        text, around = text_of(file), parts.around(file)
        try:
            flow = load_document(read_document(text, str(file)), around).flow
        except InvalidFlow as error:
            wrong += 1
            lines += [_line(file, problem) for problem in error.problems]
        else:
            lines.append(f"{file}: flow {flow.name!r} version {flow.version} is valid")
    return lines, 1 if wrong else 0


def _line(file: Path, problem: Problem) -> str:
    return f"{file}:{problem.line or 1}:{problem.column or 1}: {problem.path or 'flow'}: {problem.message} [{problem.code}]"
