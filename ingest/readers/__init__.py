"""Readers of landing files: text, every row counted; nothing is guessed, replaced or skipped.

A file that cannot be read as its contract says is refused whole (Problem). A row that cannot be
read (wrong number of fields, no JSON object) is kept aside with its text, and counts.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from ingest.containers import opened
from ingest.core.contract import Table
from ingest.readers.csv_files import read_csv
from ingest.readers.json_lines import read_json_lines
from ingest.readers.ordinals import with_ordinals
from ingest.readers.parquet_files import read_parquet
from ingest.readers.rows import Rows
from ingest.readers.workbooks import read_workbook

READERS: Mapping[str, Callable[[Table, BinaryIO, Path], Iterator[Rows]]] = {
    "csv": read_csv,
    "jsonl": read_json_lines,
    "parquet": read_parquet,
    "xlsx": read_workbook,
}


def read_rows(table: Table, path: Path) -> Iterator[Rows]:
    """Rows of one landing file as its contract describes it, part by part."""
    with opened(path) as file:
        yield from with_ordinals(table, READERS[table.format](table, file, path))
