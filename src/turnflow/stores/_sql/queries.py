"""Named queries: a `.sql` file is a sequence of `-- name: some_name` headings, each followed by one statement."""

from __future__ import annotations

from importlib.resources import files

from turnflow.errors import InternalError

HEADING = "-- name:"


class Queries(dict[str, str]):
    """Statements by name; an unknown name raises `InternalError` with the names there are."""

    def __missing__(self, name: str) -> str:
        raise InternalError(f"no query named {name!r}; there are: {', '.join(sorted(self))}")


def load_queries(package: str) -> Queries:
    """Return the statements of `queries.sql` in a package."""
    return parse_queries(files(package).joinpath("queries.sql").read_text(encoding="utf-8"))


def parse_queries(text: str) -> Queries:
    """Return the statements of a file's text by name. Raises `InternalError` for a name used twice or without a statement."""
    found = Queries()
    name = ""
    for line in text.splitlines():
        if line.startswith(HEADING):
            name = line.removeprefix(HEADING).strip()
            if name in found:
                raise InternalError(f"two queries are named {name!r}; give one of them another name")
            found[name] = ""
        elif name and line.strip() and not line.lstrip().startswith("--"):
            found[name] += ("\n" if found[name] else "") + line.rstrip()
    for name, statement in found.items():
        if not statement:
            raise InternalError(f"query {name!r} has no statement; write one below its heading")
    return found
