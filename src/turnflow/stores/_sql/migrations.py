"""Numbered migrations: `migrations/0001_initial.sql`, `0002_...sql`, without gaps; number n leads to schema n."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

from turnflow.errors import InternalError


class Migration(NamedTuple):
    """One step of the schema."""

    number: int
    name: str
    script: str


def load_migrations(package: str) -> tuple[Migration, ...]:
    """Return the migrations in a package's folder `migrations`, in order. Raises `InternalError` for a gap."""
    found = sorted(
        Migration(int(file.name.split("_", 1)[0]), file.name, file.read_text(encoding="utf-8"))
        for file in files(package).joinpath("migrations").iterdir()
        if file.name.endswith(".sql")
    )
    for place, migration in enumerate(found, 1):
        if migration.number != place:
            raise InternalError(f"migration {migration.name} should have number {place:04d}: numbers have no gaps")
    return tuple(found)
