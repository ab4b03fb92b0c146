"""What SQL stores share: named queries in `.sql` files and numbered migrations."""

from turnflow.stores._sql.migrations import Migration, load_migrations
from turnflow.stores._sql.queries import Queries, load_queries

__all__ = ["Migration", "Queries", "load_migrations", "load_queries"]
