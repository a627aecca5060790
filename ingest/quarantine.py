"""Rows that do not count: refused ones, and those that contradict each other under one key.

Refused rows lie in quarantine/ with their sealed text. Rows that contradict each other are sound,
so they lie in raw/, where no model counts them (macro latest_version); they are found by looking.
"""

import json
from dataclasses import dataclass, field
from datetime import date

import duckdb
import polars as pl
import pyarrow.parquet as pq

from ingest.checks import BOUNDS, Checked, check
from ingest.core.contract import Source, Table
from ingest.core.errors import Problem
from ingest.core.lake import Lake, partition_dates
from ingest.core.privacy import Keys, unseal
from ingest.generations import KnownValues
from ingest.partitions import Delivered, quarantine_id
from ingest.readers.rows import SOURCE_ROW, Rows

KEY_CONFLICT = "key_conflict"
Texts = dict[str, str | None]


@dataclass(frozen=True)
class QuarantinedRow:
    """One row that does not count, and why. `sealed` is empty for a row that lies in raw/."""

    quarantine_id: str
    source: str
    table_name: str
    load_date: date
    source_file: str
    source_row: int
    rule: str
    column_name: str | None
    value: str | None
    version: int
    source_sha256: str = ""
    business_date: date = date.min
    key_ref: str = ""
    sealed: bytes = field(default=b"", repr=False)


def refused_rows(lake: Lake, source: str, table: str, load_date: date) -> list[QuarantinedRow]:
    """Rows of one table that one night refused, by file and row."""
    rows = [
        QuarantinedRow(**row, load_date=load_date)
        for path in sorted(lake.partition("quarantine", source, table, load_date).glob("*.parquet"))
        for row in pq.ParquetFile(path).read().to_pylist()
    ]
    return sorted(rows, key=lambda row: (row.source_file, row.source_row))


def quarantined_rows(lake: Lake, source: Source) -> list[QuarantinedRow]:
    """All rows of a source that were refused, or contradict each other as far as is loaded."""
    rows: list[QuarantinedRow] = []
    for table in source.tables:
        folder = lake.partition("quarantine", source.name, table.name, date.min).parent
        for load_date in partition_dates(folder):
            rows += refused_rows(lake, source.name, table.name, load_date)
        rows += _contradicting_rows(lake, source, table)
    return rows


def raw_text(lake: Lake, row: QuarantinedRow, keys: Keys) -> str:
    """The text of a refused row as it was handed over; Problem if its key is destroyed."""
    folder = lake.partition("quarantine/keys", row.source, row.table_name, row.load_date)
    for path in sorted(folder.glob("*.parquet")):
        for entry in pq.ParquetFile(path).read(["key_ref", "wrapped_key"]).to_pylist():
            if entry["key_ref"] == row.key_ref:
                place = [row.source, row.table_name, row.source_file, str(row.source_row)]
                return unseal(keys, entry["wrapped_key"], row.sealed, "|".join(place))
    raise Problem(f"the key of {row.quarantine_id} is destroyed; its text is gone")


def recheck(
    lake: Lake,
    source: Source,
    row: QuarantinedRow,
    version: int,
    corrections: Texts,
    keys: Keys,
    known: KnownValues,
) -> tuple[Delivered, Checked]:
    """Check a refused row again with its corrections, bounds left out.

    Problem if it still breaks its contract, or could not be taken apart in the first place.
    """
    delivered = Delivered(
        source=source,
        table=source.table(row.table_name),
        business_date=row.business_date,
        source_file=row.source_file,
        sha256=row.source_sha256,
        version=version,
        keys=keys,
        known=known,
    )
    rows = _rows(
        delivered.table, row, _texts(delivered.table, raw_text(lake, row, keys)) | corrections
    )
    checked = check(source, delivered.table, rows, row.business_date, waived=BOUNDS)
    if checked.refused.height:
        fault = checked.refused.row(0, named=True)
        raise Problem(
            f"{row.quarantine_id} still breaks the rule '{fault['rule']}' of column "
            f"{fault['column_name']}; correct it with --set {fault['column_name']}=VALUE"
        )
    return delivered, checked


def handed_over_fen(lake: Lake, source: Source, row: QuarantinedRow, keys: Keys) -> int:
    """What a refused row added to the total of its file."""
    table = source.table(row.table_name)
    rows = _rows(table, row, _texts(table, raw_text(lake, row, keys)))
    checked = check(source, table, rows, row.business_date)
    return (checked.kept_total + checked.refused_total).fen


def _rows(table: Table, row: QuarantinedRow, texts: Texts) -> Rows:
    frame = pl.DataFrame([texts], {column.name: pl.String for column in table.columns})
    return Rows(frame.with_columns(pl.lit(row.source_row, dtype=pl.Int64).alias(SOURCE_ROW)))


def _texts(table: Table, raw: str) -> Texts:
    try:
        texts = json.loads(raw)
        return {column.name: texts[column.header] for column in table.columns}
    except (ValueError, KeyError, TypeError):
        raise Problem(
            "a row that cannot be taken apart cannot be released; reject it and ask the business "
            "for a correction"
        ) from None


def _contradicting_rows(lake: Lake, source: Source, table: Table) -> list[QuarantinedRow]:
    """Rows of the newest version of a key of which no two agree."""
    folder = lake.partition("raw", source.name, table.name, date.min).parent
    if not any(folder.glob("*/*.parquet")):
        return []
    key = ", ".join(table.key)
    found = duckdb.execute(
        f"""
        with newest as (
            select *, max(_version) over (partition by {key}) as top
            from read_parquet($files, hive_partitioning = true)
        ),
        compared as (
            select *, min(_row_hash) over (partition by {key}) as low,
                max(_row_hash) over (partition by {key}) as high
            from newest where _version = top
        )
        select load_date, _source_file, _source_row, _version from compared
        where low <> high order by _source_file, _source_row
        """,
        {"files": str(folder / "*" / "*.parquet")},
    ).fetchall()
    return [
        QuarantinedRow(
            quarantine_id=quarantine_id(source.name, table.name, file, number),
            source=source.name,
            table_name=table.name,
            load_date=load_date,
            source_file=file,
            source_row=number,
            rule=KEY_CONFLICT,
            column_name=key,
            value=None,
            version=version,
        )
        for load_date, file, number, version in found
    ]
