"""Writes deliveries in the form that a source's contract declares: the mirror image of loading one.

The demo group and the connectors hand over tables of canonical columns, named and typed as in the
lake (amounts in fen, true and false, local timestamps); here they become a business's own files:
its headers, words, amounts in yuan, encodings and formats, and the control file that counts them
or the summary at their end.
"""

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import chain
from pathlib import Path

import polars as pl
import pyarrow as pa

from ingest.core.contract import Column, Source, Table
from ingest.core.lake import Lake, write_bytes, write_parquet, write_with

SLICE_ROWS = 131_072  # rows encoded at once: bounds memory, does not change a byte
YUAN = pl.Decimal(38, 2)
POLARS_TYPES: Mapping[str, pl.DataType] = {
    "varchar": pl.String(),
    "bigint": pl.Int64(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
    "boolean": pl.Boolean(),
}
ARROW_TYPES: Mapping[str, pa.DataType] = {
    "varchar": pa.string(),
    "bigint": pa.int64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
}


def write_delivery(
    lake: Lake,
    source: Source,
    business_date: date,
    tables: Mapping[str, pl.DataFrame],
    night: date | None = None,
    sequence: int = 1,
) -> None:
    """Write a delivery of one business date: a file for each table, then the control file if the
    source has one.

    `tables` holds canonical columns by table name. Columns left out are delivered empty, and so are
    tables of a first delivery, but for optional ones; a later `sequence` (a correction) holds the
    given tables alone. The delivery lies in the landing folder of `night`, by default that of its
    business date. Columns that no file holds are not written, but a product is added up for the
    control file.
    A column of text where the contract has another type is written as it stands (but not in
    Parquet, and not the column of the control total), which is how a fault gets into a file. JSON
    lines may hold a column of text under one of its aliases besides, for the rows of a sender who
    changed the header. The same rows in the same order give the same bytes.

    Raises ValueError on a table or column that the contract does not know, Problem if the lake
    cannot be written.
    """
    for name in tables.keys() - {table.name for table in source.tables}:
        raise ValueError(f"the contract of {source.name} has no table '{name}'")
    folder = lake.landing(source.name, night or business_date)
    suffix = "" if sequence == 1 else f"_{sequence}"
    counts: list[tuple[str, int, int | None]] = []
    for table in source.tables:
        if (sequence > 1 or table.optional) and table.name not in tables:
            continue
        frame = _complete(table, tables.get(table.name, pl.DataFrame()))
        file_name = table.file_name(business_date, suffix)
        _write_table(folder / file_name, table, frame)
        total = None if table.control_total is None else int(frame[table.control_total].sum())
        counts.append((file_name, frame.height, total))
    if not source.control.is_trailer:
        control = source.control.file_name(business_date, sequence)
        write_bytes(folder / control, control_bytes(source, counts))


def control_bytes(source: Source, counts: list[tuple[str, int, int | None]]) -> bytes:
    """The control file of a delivery, from each file's name, rows and total in fen (or None)."""
    if source.control.format == "json":
        files = [{"file": file, "rows": rows, "total_fen": fen} for file, rows, fen in counts]
        text = json.dumps({"files": files}, ensure_ascii=False, indent=1) + "\n"
    else:
        headers = source.control.columns
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerow([headers["file"], headers["rows"], headers["total"]])
        writer.writerows(
            [file, rows, "" if fen is None else yuan_text(fen)] for file, rows, fen in counts
        )
        text = buffer.getvalue()
    return text.encode(source.control.encoding)


def yuan_text(fen: int) -> str:
    """Amount in fen as yuan with two decimals: -105 is '-1.05'."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _complete(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """All columns of the contract in its order and types, those not given empty; then aliases."""
    types = {column.name: POLARS_TYPES[column.data_type] for column in table.columns}
    others = set(frame.columns) - types.keys()
    aliases = {alias for column in table.columns for alias in column.aliases}
    drifted = sorted(others & aliases) if table.format == "jsonl" else []
    unknown = sorted(others - set(drifted))
    if unknown:
        raise ValueError(f"the contract of {table.name} has no column {', '.join(unknown)}")
    if not frame.columns:
        return pl.DataFrame(schema=types)
    as_text = {
        name
        for name, type_ in frame.schema.items()
        if type_ == pl.String() and table.format != "parquet"
    }
    given = [pl.col(name).cast(types[name]) for name in frame.columns if name not in as_text]
    missing = [
        pl.lit(None, type_).alias(name)
        for name, type_ in types.items()
        if name not in frame.columns
    ]
    return frame.with_columns(*given, *missing).select(*types, *drifted)


def _write_table(path: Path, table: Table, frame: pl.DataFrame) -> None:
    columns = table.file_columns
    drifted = frame.columns[len(table.columns) :]
    written = frame.select(*(_as_in_file(table, column, frame) for column in columns), *drifted)
    if table.format == "parquet":
        schema = pa.schema([(column.header, _arrow_type(column)) for column in columns])
        write_parquet(written.to_arrow().cast(schema), path)
        return
    texts = _json_texts(written)
    if table.format == "csv":
        texts = chain(_csv_texts(table, written), _trailer_texts(table, frame))
    write_with(path, _encoded(texts, table.encoding or "utf-8"))


def _arrow_type(column: Column) -> pa.DataType:
    if column.floating:
        return pa.float64()
    return pa.decimal128(38, 2) if column.unit == "yuan" else ARROW_TYPES[column.data_type]


def _as_in_file(table: Table, column: Column, frame: pl.DataFrame) -> pl.Expr:
    """One column as its file holds it, under its header."""
    value = pl.col(column.name)
    if frame.schema[column.name] == pl.String():
        value = pl.when(value != "").then(value)  # an empty text is no value
        if column.allowed is not None:
            words = {stored: word for word, stored in reversed(list(column.allowed.items()))}
            value = value.replace(words)
    elif column.unit == "yuan":
        value = value.cast(YUAN) / 100
    if column.floating:
        value = value.cast(pl.Float64)
    if table.format == "parquet" or frame.schema[column.name] == pl.String():
        return value.alias(column.header)
    if column.unit == "yuan" or column.data_type == "date":
        value = value.cast(pl.String())
    elif column.data_type == "timestamp":
        value = value.dt.strftime("%Y-%m-%d %H:%M:%S")
    elif column.data_type == "boolean" and table.format == "csv":
        value = pl.when(value).then(pl.lit("是")).when(~value).then(pl.lit("否"))
    return value.alias(column.header)


def _csv_texts(table: Table, frame: pl.DataFrame) -> Iterator[str]:
    yield frame.clear().write_csv(line_terminator="\r\n")
    signed = (table.value_prefix or "") + pl.all().cast(pl.String).fill_null("")
    for part in frame.iter_slices(SLICE_ROWS):
        whole = part if table.value_prefix is None else part.select(signed.name.keep())
        yield whole.write_csv(include_header=False, line_terminator="\r\n")


def _trailer_texts(table: Table, frame: pl.DataFrame) -> Iterator[str]:
    """The summary at the end of a file, if the table's files have one."""
    if table.trailer is None:
        return
    values = [str(frame.height)]
    for name in table.totals:
        total = int(frame[name].sum())
        values.append(yuan_text(total) if table.column(name).unit == "yuan" else str(total))
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=table.delimiter, lineterminator="\r\n")
    writer.writerow([table.trailer.rows, *table.trailer.sums.values()])
    writer.writerow([f"{table.value_prefix or ''}{value}" for value in values])
    yield buffer.getvalue()


def _json_texts(frame: pl.DataFrame) -> Iterator[str]:
    for part in frame.iter_slices(SLICE_ROWS):
        yield part.write_ndjson()


def _encoded(texts: Iterator[str], encoding: str) -> Callable[[Path], None]:
    """Writes texts one after another in an encoding; its byte-order mark, if any, comes once."""

    def write(path: Path) -> None:
        encoder = codecs.getincrementalencoder(encoding)()
        with path.open("wb") as file:
            for text in texts:
                file.write(encoder.encode(text))

    return write
