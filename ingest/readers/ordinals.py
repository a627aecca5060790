"""Running numbers for rows that have none in their file: tills that write no line number.

The first row of a file that says this much gets 1, the next that agrees with it 2. So the number
depends on the order within the file, and on nothing else.
"""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from ingest.core.contract import Table
from ingest.readers.rows import Rows

SEEN = " seen"  # no contract name holds a blank


def with_ordinals(table: Table, parts: Iterator[Rows]) -> Iterator[Rows]:
    """The parts of a file with the columns that number its rows, as text like all others."""
    columns = [column for column in table.columns if column.ordinal_within]
    seen: dict[str, pl.DataFrame] = {}
    for rows in parts:
        frame = rows.frame
        for column in columns:
            names = list(column.ordinal_within)
            ordinal = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(names)
            before = seen.get(column.name)
            if before is None:
                before = frame.select(*names, pl.lit(0, pl.Int64).alias(SEEN)).clear()
            here = frame.group_by(names).agg(pl.len().cast(pl.Int64).alias(SEEN))
            joined = frame.select(*names, ordinal.alias(column.name)).join(
                before, on=names, how="left", nulls_equal=True, maintain_order="left"
            )
            number = pl.col(column.name) + pl.col(SEEN).fill_null(0)
            frame = frame.hstack(joined.select(number.cast(pl.String)))
            both = pl.concat([before, here])
            seen[column.name] = both.group_by(names).agg(pl.col(SEEN).sum())
        yield replace(rows, frame=frame)
