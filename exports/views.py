"""Views of a database of marts: what a publication says on top of the marts, described."""

from collections.abc import Collection

import duckdb

from exports.reader import sql_text


def held_marts(database: duckdb.DuckDBPyConnection) -> set[str]:
    """Names of the tables that a database holds."""
    tables = "select table_name from duckdb_tables()"
    return {name for (name,) in database.execute(tables).fetchall()}


def write_view(
    database: duckdb.DuckDBPyConnection,
    name: str,
    query: str,
    description: str,
    reads: Collection[str],
) -> bool:
    """Make a view and describe it, if the database holds what it reads; whether it did."""
    if not held_marts(database) >= set(reads):
        return False
    database.execute(f"create view {name} as {query}")
    database.execute(f"comment on view {name} is {sql_text(description)}")
    return True
