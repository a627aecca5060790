"""What-if over history: a window of business dates by the rules as they are and by others.

Two lakes hold the same night, built by one set of rule books each. What members were given, took
and lost in the window, what is outstanding, what it costs each business and which tiers they hold
is compared, proved to add up, and written as tables and one page. None of it is published.
"""

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from exports.catalogue import ExportColumn
from exports.folder import ExportFolder
from exports.reader import MANIFEST, engine_options, read_tonight
from exports.simulation.figures import read_page
from exports.simulation.page import render_page
from exports.simulation.proofs import prove
from exports.simulation.sides import Window, read_sides
from exports.simulation.tables import TABLES, label, make_tables
from ingest.core.errors import Problem, one_line
from ingest.core.lake import Lake, write_parquet

EXPORT = "simulation"
PAGE = "simulation.html"
KINDS = {
    "_micro_fen": "micro_fen",
    "_points": "points",
    "_count": "count",
    "_rank": "count",
    "_month": "month",
    "_date": "date",
}


def write_simulation(
    before: Lake, after: Lake, window: Window, rule_changes: Path, out: Path, memory_limit: str
) -> Path:
    """Compare two built nights within a window and write the folder `out`; return its page.

    `rule_changes` is what `ingest rules --changes --write` wrote. Problem unless both lakes hold
    the night, `out` is new, empty or an earlier simulation, and every sum proves itself.
    """
    _check_folder(out)
    for lake in (before, after):
        read_tonight(lake, window.night)
    changes = pq.read_table(rule_changes)
    folder = ExportFolder(out)
    with duckdb.connect(config=engine_options(after, memory_limit)) as database:
        try:
            read_sides(database, before, after, window)
            make_tables(database, window)
            page = read_page(
                database,
                window,
                [tuple(row.values()) for row in changes.to_pylist()],
                prove(database),
            )
            folder.add_text(PAGE, render_page(page))
            _add_parquet(folder, "rule_changes", changes)
            for name, table in TABLES.items():
                _add_table(folder, database, name, table.order)
        except duckdb.Error as error:
            raise Problem(
                f"cannot compare {before.root} and {after.root}: {one_line(error)}; "
                "check free space and MEMORY_LIMIT, then simulate again"
            ) from error
    folder.finish(
        export=EXPORT,
        is_published=False,
        from_date=window.first.isoformat(),
        to_date=window.last.isoformat(),
    )
    return out / PAGE


def _add_table(
    folder: ExportFolder, database: duckdb.DuckDBPyConnection, name: str, order: str
) -> None:
    """One table of the comparison, as Parquet and, with Chinese headings, as CSV."""
    found = database.execute(f"from compared.{name} order by {order}").to_arrow_table()
    _add_parquet(folder, name, found)
    columns = tuple(
        ExportColumn(column, label(column), _kind(column), 0, False, False)
        for column in found.column_names
    )
    folder.add_csv(f"tables/{name}.csv", database, f"from compared.{name}", columns, order)


def _add_parquet(folder: ExportFolder, name: str, table: pa.Table) -> None:
    def write(path: Path) -> None:
        write_parquet(table, path)

    folder.add_file(f"tables/{name}.parquet", write, rows=table.num_rows)


def _kind(column: str) -> str:
    """How a column is written to CSV, by the unit in its name."""
    name = column
    for suffix in ("_before", "_after", "_difference"):
        name = name.removesuffix(suffix)
    found = [kind for end, kind in KINDS.items() if name.endswith(end)]
    return found[0] if found else "text"


def _check_folder(out: Path) -> None:
    """Problem if the folder holds anything but an earlier simulation: it is replaced whole."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        is_earlier = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["export"] == EXPORT
    except (OSError, ValueError, KeyError, TypeError):
        is_earlier = False
    if not is_earlier:
        raise Problem(f"{out} holds something else; give a new or empty folder to --out")
