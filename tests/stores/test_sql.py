"""Named queries and numbered migrations."""

from __future__ import annotations

import pytest

from turnflow.errors import InternalError
from turnflow.stores._sql import load_migrations, load_queries
from turnflow.stores._sql.queries import parse_queries


def test_a_file_of_queries_is_read_by_name_without_its_comments() -> None:
    queries = parse_queries("-- about the file\n\n-- name: one\nSELECT 1\n-- why\n  AND 2\n\n-- name: two\nSELECT 3\n")
    assert dict(queries) == {"one": "SELECT 1\n  AND 2", "two": "SELECT 3"}


def test_an_unknown_query_is_told_with_the_names_there_are() -> None:
    with pytest.raises(InternalError, match=r"'three'; there are: one, two"):
        parse_queries("-- name: two\nSELECT 1\n-- name: one\nSELECT 2")["three"]


@pytest.mark.parametrize("text", ["-- name: a\nSELECT 1\n-- name: a\nSELECT 2", "-- name: a\n\n-- name: b\nSELECT 1"])
def test_a_name_has_one_statement(text: str) -> None:
    with pytest.raises(InternalError, match="'a'"):
        parse_queries(text)


def test_migrations_are_numbered_without_gaps() -> None:
    migrations = load_migrations("turnflow.stores.sqlite")
    assert [migration.number for migration in migrations] == list(range(1, len(migrations) + 1))


def test_every_store_has_its_queries() -> None:
    assert "add_line" in load_queries("turnflow.stores.sqlite")
