"""What loading a document finds: problems with their places. Loading goes on after each of them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from turnflow.core.ids import Json
from turnflow.core.nodes import Template
from turnflow.declarative.document_path import document_path
from turnflow.declarative.located import Located, Mark, Path, written
from turnflow.declarative.mistakes import MOST, Unreadable
from turnflow.errors import InvalidExpression, Problem
from turnflow.expressions import compile_condition, template


class Findings:
    """Collects the problems of one document. Noting the hundredth raises `Unreadable`: more would help nobody."""

    def __init__(self, document: Located) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.names: tuple[str, ...] = ()
        """Further names that expressions may use at the place that is being read: what loops call their items."""

    def add(self, code: str, path: Path, message: str) -> None:
        """Note a problem with a value."""
        self._note(code, path, message, self.document.mark(path))

    def about_field(self, code: str, path: Path, message: str) -> None:
        """Note a problem with a field, which its name stands for."""
        self._note(code, path, message, self.document.key_mark(path))

    def placed(self, problems: Iterable[Problem]) -> None:
        """Take over problems that have paths, and give them their places."""
        for problem in problems:
            path = document_path(problem.path, self.document)
            mark = self.document.mark_of_text(path)
            self._keep(problem._replace(path=path, line=mark.line, column=mark.column, file=self.document.name))

    def template(self, value: Json, path: Path) -> Template:
        """Return a value with `${...}` in its strings as a template, and note every expression that does not compile."""
        return Template(value, self._is_static(value, path))

    def condition(self, source: str, path: Path) -> str:
        """Return a condition as it stands, and note it if it does not compile to a bool."""
        try:
            compile_condition(source, self.names)
        except InvalidExpression as error:
            self._about_expression(error, path)
        return source

    def _is_static(self, value: Json, path: Path) -> bool:
        if isinstance(value, dict):
            return self._are_static((item, (*path, key)) for key, item in value.items())
        if isinstance(value, list):
            return self._are_static((item, (*path, index)) for index, item in enumerate(value))
        if not isinstance(value, str) or "${" not in value:
            return True
        try:
            return template(value, self.names).static
        except InvalidExpression as error:
            self._about_expression(error, path, value)
            return False

    def _are_static(self, items: Iterable[tuple[Json, Path]]) -> bool:
        """Tell whether all are, after looking at each."""
        answers = [self._is_static(item, path) for item, path in items]
        return all(answers)

    def _about_expression(self, error: InvalidExpression, path: Path, text: str = "") -> None:
        """Note an expression that does not compile; it may be a piece of a `text`."""
        before = text[: max(text.find(error.source), 0)].split("\n")
        line = len(before) + error.line - 1
        column = error.column + (len(before[-1]) if error.line == 1 else 0)
        self._note("bad_expression", path, str(error), self.document.inside(path, line, column))

    def _note(self, code: str, path: Path, message: str, mark: Mark) -> None:
        self._keep(Problem(code, written(path), message, mark.line, mark.column, self.document.name))

    def _keep(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) >= MOST:
            raise Unreadable


def meant(name: str, known: Iterable[str]) -> str:
    """Return the rest of a sentence about an unknown name: what was probably meant, or what there is."""
    known = tuple(known)
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"
