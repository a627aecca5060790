"""Two publications compared value by value."""

from pathlib import Path

import duckdb

SHOWN_ROWS = 5


def differences(one: Path, other: Path) -> list[str]:
    """A line for each row that only one of two marts.duckdb holds, at most a few of each mart."""
    with duckdb.connect() as connection:
        for name, path in (("one", one), ("other", other)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        marts = [_marts(connection, name) for name in ("one", "other")]
        found = [f"only in one of them: {mart}" for mart in sorted(marts[0] ^ marts[1])]
        for mart in sorted(marts[0] & marts[1]):
            for here, there in (("one", "other"), ("other", "one")):
                rows = connection.execute(
                    f"from {here}.{mart} except all from {there}.{mart} order by all"
                    f" limit {SHOWN_ROWS}"
                ).fetchall()
                found += [f"{mart}, only in {here}: {row}" for row in rows]
        return found


def _marts(connection: duckdb.DuckDBPyConnection, name: str) -> set[str]:
    tables = "select table_name from duckdb_tables() where database_name = ? and table_name <> ?"
    return {row[0] for row in connection.execute(tables, [name, "_meta"]).fetchall()}
