"""What every reader gives: a landing file as text, part by part, every row numbered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from ingest.core.contract import Table
from ingest.core.errors import Problem
from ingest.core.log import step_log
from ingest.readers.control import Expectation

SOURCE_ROW = "_source_row"
PART_ROWS = 131_072
LOG = step_log("load")


@dataclass(frozen=True)
class BrokenRow:
    """A row that could not be taken apart: its 1-based number, the rule and its text."""

    source_row: int
    rule: str
    column: str | None
    text: str


@dataclass(frozen=True)
class Rows:
    """Some rows of a file: one text column for each contract column, and `_source_row` (1-based).

    Empty and blank values are NULL. `may_hold_nul` is false if no byte of the file so far is 0.
    `stated` is what a summary at the end of the file says of it; it comes last, with no rows.
    """

    frame: pl.DataFrame
    broken: tuple[BrokenRow, ...] = ()
    may_hold_nul: bool = True
    stated: Expectation | None = None

    @property
    def row_count(self) -> int:
        """Data rows among them, readable or not."""
        return self.frame.height + len(self.broken)


class Numbering:
    """Gives rows their numbers, part after part; rows put aside keep theirs."""

    def __init__(self) -> None:
        self._next = 1
        self._aside: list[BrokenRow] = []

    def put_aside(self, row: BrokenRow) -> None:
        """A row that no part will hold; it may come some parts early."""
        self._aside.append(row)

    def rows(self, texts: pa.Table | pa.RecordBatch, may_hold_nul: bool = True) -> Rows:
        """The next rows of the file, one text column for each contract column."""
        frame = pl.DataFrame(pl.from_arrow(texts)).select(
            pl.all().cast(pl.String).str.strip_chars()
        )
        frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
        taken = [row.source_row for row in self._aside]
        numbers = pl.int_range(
            self._next, self._next + frame.height + len(taken), dtype=pl.Int64, eager=True
        )
        if taken:
            numbers = numbers.filter(~numbers.is_in(taken)).head(frame.height)
        last = int(numbers[-1]) if frame.height else self._next - 1
        here = tuple(row for row in self._aside if row.source_row <= last)
        self._aside = [row for row in self._aside if row.source_row > last]
        self._next = last + 1
        return Rows(frame.with_columns(numbers.alias(SOURCE_ROW)), here, may_hold_nul)

    def rest(self, names: Sequence[str]) -> Iterator[Rows]:
        """What was put aside after the last part."""
        if self._aside:
            yield Rows(no_rows(names), tuple(self._aside))
            self._aside = []


def no_rows(names: Sequence[str]) -> pl.DataFrame:
    """The frame of a part that has no readable rows."""
    return pl.DataFrame(schema={**dict.fromkeys(names, pl.String), SOURCE_ROW: pl.Int64})


def positions(headers: Sequence[str], table: Table, path: Path) -> dict[str, int]:
    """Where each contract column is in the file, by header; added columns are only mentioned.

    Problem if a column is missing or a header appears twice.
    """
    names = [header.strip() for header in headers]
    for header in sorted({name for name in names if names.count(name) > 1}):
        raise Problem(f"{path}: header '{header}' appears twice; ask for the file again")
    found = {}
    for column in table.file_columns:
        here = [name for name in column.headers if name in names]
        if len(here) > 1:
            both = "' and '".join(here)
            raise Problem(f"{path}: headers '{both}' are the same column; ask for the file again")
        if not here:
            raise Problem(
                f"{path}: column '{column.header}' is missing (the file has: {', '.join(names)}); "
                f"ask for it, or change the contract of {table.name}"
            )
        found[column.name] = names.index(here[0])
    added = sorted(
        set(names) - {header for column in table.file_columns for header in column.headers}
    )
    if added:
        LOG.warning("%s: columns outside the contract are not loaded: %s", path, ", ".join(added))
    return found
