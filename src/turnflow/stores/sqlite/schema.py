"""Bringing a database file to the schema of this code, or refusing it."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from turnflow.errors import DamagedStore, NewerSchema
from turnflow.stores._sql import Migration, Queries

APPLICATION = 0x54464C57
"""`TFLW`, written into the file's header, so that nobody migrates a stranger's database."""


def is_current(connection: apsw.Connection, migrations: Sequence[Migration]) -> bool:
    """Tell whether the file is ours and has the schema of this code."""
    return _version(connection) == len(migrations) and connection.pragma("application_id") == APPLICATION


def migrate(connection: apsw.Connection, migrations: Sequence[Migration], queries: Queries) -> None:
    """Run the migrations that the file has not seen yet, inside a transaction that the caller has begun and will end.

    Raises `NewerSchema` if it has seen more than there are, `DamagedStore` if it belongs to another program.
    """
    version = _version(connection)
    name = connection.filename
    foreign = connection.pragma("application_id") != APPLICATION
    if foreign and connection.execute(queries["any_table"]).get:
        raise DamagedStore(f"{name} is a SQLite database of another program; give Turnflow a file of its own")
    if version > len(migrations):
        raise NewerSchema(
            f"{name} has schema {version}, this Turnflow knows {len(migrations)}: upgrade to the version that wrote the file"
        )
    for migration in migrations[version:]:
        connection.execute(migration.script)
    connection.pragma("application_id", APPLICATION)
    connection.pragma("user_version", len(migrations))


def _version(connection: apsw.Connection) -> int:
    return int(connection.pragma("user_version"))
