"""Documents as authors get them wrong: each file says in its first lines what is found in it, and where.

`# expect: line:column code`, once per problem, in the order of the file.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from turnflow.declarative import load_flow
from turnflow.errors import InvalidFlow

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
EXPECT = "# expect: "


def expected(text: str) -> list[str]:
    return [line.removeprefix(EXPECT) for line in text.splitlines() if line.startswith(EXPECT)]


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_every_mistake_of_a_broken_document_is_found_at_its_place(path: Path) -> None:
    text = path.read_text()
    with pytest.raises(InvalidFlow) as raised:
        load_flow(text, name=path.name)
    assert [f"{p.line}:{p.column} {p.code}" for p in raised.value.problems] == expected(text)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_every_problem_names_its_file_and_says_what_to_do_in_a_sentence(path: Path) -> None:
    with pytest.raises(InvalidFlow) as raised:
        load_flow(path.read_text(), name=path.name)
    for problem in raised.value.problems:
        assert str(problem).startswith(f"{path.name}:{problem.line}:{problem.column}: ")
        assert len(problem.message.split()) > 3


def test_there_are_many_broken_documents_and_every_one_expects_something() -> None:
    assert len(BROKEN) > 60
    assert all(expected(path.read_text()) for path in BROKEN)
