"""Reads landing files as text, every row counted; nothing is guessed, replaced or skipped.

A file that cannot be read as its contract says is refused whole (Problem). A row that cannot be
read (wrong number of fields, no JSON object) is kept aside with its text, and counts.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from ingest.core.contract import Control, Source, Table
from ingest.core.errors import Problem, one_line
from ingest.core.log import step_log

SOURCE_ROW = "_source_row"
CSV_BLOCK_BYTES = 1 << 24
JSON_BOOLEANS = {True: "true", False: "false"}
LOG = step_log("load")


@dataclass(frozen=True)
class Expectation:
    """What the control file says of one file; `total_fen` is None where it states none."""

    row_count: int
    total_fen: int | None


@dataclass(frozen=True)
class BrokenRow:
    """A row that could not be taken apart: its 1-based number, the rule and its text."""

    source_row: int
    rule: str
    column: str | None
    text: str


@dataclass(frozen=True)
class Rows:
    """A file as text: one string column for each contract column, and `_source_row` (1-based)."""

    frame: pl.DataFrame
    broken: tuple[BrokenRow, ...]

    @property
    def row_count(self) -> int:
        """Data rows in the file, readable or not."""
        return self.frame.height + len(self.broken)


@dataclass(frozen=True)
class LandingFile:
    """A landing file as it came: the SHA-256 of its bytes, how many they are, and its rows."""

    sha256: str
    byte_count: int
    rows: Rows


def read_control(source: Source, path: Path) -> dict[str, Expectation]:
    """Read a delivery's control file: what it says of each file name."""
    control = source.control
    text = decode(read_bytes(path), control.encoding, path)
    if control.format == "json":
        return _control_json(text, path)
    return _control_csv(control, text, path)


def read_bytes(path: Path) -> bytes:
    """All bytes of a landing file; Problem if it is missing, unreadable or no plain file."""
    if not path.is_file():
        raise Problem(f"{path} is missing; ask the business for the whole delivery and load again")
    try:
        return path.read_bytes()
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from error


def decode(data: bytes, encoding: str, path: Path) -> str:
    """Text of a file, strictly in the encoding of its contract; Problem where it is not."""
    try:
        return data.decode(encoding, "strict")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Problem(
            f"{path}: line {line} is not {encoding} (byte {error.start}); "
            "the file was refused, ask for it in the encoding of the contract"
        ) from error


def read_file(table: Table, path: Path) -> LandingFile:
    """Read one landing file as its contract describes it."""
    data = read_bytes(path)
    read = {"parquet": _read_parquet, "csv": _read_csv, "jsonl": _read_jsonl}[table.format]
    rows = read(table, data, path)
    return LandingFile(hashlib.sha256(data).hexdigest(), len(data), rows)


def _lines(table: Table, data: bytes, path: Path) -> tuple[str, str]:
    """First line and the others, strictly decoded; Problem if the last one is cut off."""
    text = decode(data, table.encoding or "utf-8", path)
    if text and not text.endswith("\n"):
        raise Problem(f"{path} is cut off: its last line has no line end; ask for the file again")
    first_line, _, others = text.partition("\n")
    return first_line, others


def _control_json(text: str, path: Path) -> dict[str, Expectation]:
    try:
        entries: dict[str, Expectation] = {}
        for entry in json.loads(text)["files"]:
            rows, total = entry["rows"], entry["total_fen"]
            if (
                type(rows) is not int
                or type(total) not in (int, type(None))
                or entry["file"] in entries
            ):
                raise ValueError(f"bad entry for {entry['file']}")
            entries[entry["file"]] = Expectation(rows, total)
        return entries
    except (ValueError, KeyError, TypeError) as error:
        raise Problem(
            f"{path} is not a control file ({one_line(error)}); ask for it again"
        ) from error


def _control_csv(control: Control, text: str, path: Path) -> dict[str, Expectation]:
    entries: dict[str, Expectation] = {}
    headers = control.columns
    for number, row in enumerate(csv.DictReader(io.StringIO(text, newline="")), start=1):
        try:
            name, total = row[headers["file"]], row[headers["total"]]
            if name in entries:
                raise ValueError("names a file twice")
            entries[name] = Expectation(int(row[headers["rows"]]), _fen(total) if total else None)
        except (ValueError, KeyError, TypeError, InvalidOperation) as error:
            raise Problem(
                f"{path}: row {number} is not a control row: {one_line(repr(error))}"
            ) from error
    return entries


def _fen(yuan: str) -> int:
    fen = Decimal(yuan) * 100
    if not fen.is_finite() or fen != fen.to_integral_value():
        raise ValueError(f"{yuan} is no amount in yuan")
    return int(fen)


def _read_csv(table: Table, data: bytes, path: Path) -> Rows:
    """Comma-separated rows through pyarrow: quotes as usual, rows of another length kept aside."""
    first_line, others = _lines(table, data, path)
    headers = next(csv.reader([first_line]), [])
    if not data:  # a day without rows may come as a file without bytes
        headers = [column.header for column in table.columns]
    positions = _positions(headers, table, path)
    if not others:
        none = {column.name: pa.array([], pa.string()) for column in table.columns}
        return _rows(pa.table(none), [])
    body = others.encode()
    del others  # large: the same text need not be in memory twice
    broken: list[BrokenRow] = []

    def keep_aside(row: Any) -> str:
        broken.append(BrokenRow(row.number, "field_count", None, row.text))
        return "skip"

    names = [str(position) for position in range(len(headers))]
    try:
        read = pyarrow.csv.read_csv(
            pa.BufferReader(body),
            pyarrow.csv.ReadOptions(
                use_threads=False, block_size=CSV_BLOCK_BYTES, column_names=names
            ),
            pyarrow.csv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=keep_aside
            ),
            pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise Problem(f"{path} cannot be read as CSV: {one_line(error)}") from error
    if _ends_inside_quotes(body, read):
        raise Problem(f"{path} is cut off inside a quoted field; ask for the file again")
    wanted = {column.name: read.column(positions[column.name]) for column in table.columns}
    return _rows(pa.table(wanted), broken)


def _positions(headers: list[str], table: Table, path: Path) -> dict[str, int]:
    """Where each contract column is in the file, by header; added columns are only mentioned."""
    names = [header.strip() for header in headers]
    for header in sorted({name for name in names if names.count(name) > 1}):
        raise Problem(f"{path}: header '{header}' appears twice; ask for the file again")
    for column in table.columns:
        if column.header not in names:
            raise Problem(
                f"{path}: column '{column.header}' is missing (the file has: {', '.join(names)}); "
                f"ask for it, or change the contract of {table.name}"
            )
    added = sorted(set(names) - {column.header for column in table.columns})
    if added:
        LOG.warning("%s: columns outside the contract are not loaded: %s", path, ", ".join(added))
    return {column.name: names.index(column.header) for column in table.columns}


def _ends_inside_quotes(body: bytes, read: pa.Table) -> bool:
    """True if a quote opened in the last row never closes: its line end was taken for text."""
    if read.num_rows == 0 or body[-9:].rstrip(b"\r\n").endswith(b'"'):
        return False
    last = read.column(read.num_columns - 1)[-1].as_py()
    return bool(last) and last.endswith("\n")


def _read_jsonl(table: Table, data: bytes, path: Path) -> Rows:
    """One JSON object a line. Numbers stay the text they are: no amount becomes binary."""
    parse = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).decode
    headers = [column.header for column in table.columns]
    values: list[list[str | None]] = [[] for _ in headers]
    broken: list[BrokenRow] = []
    first_line, others = _lines(table, data, path)
    lines = others.split("\n")[:-1]  # not splitlines: values may hold other line separators
    for number, line in enumerate([first_line, *lines] if data else [], start=1):
        entry = _json_object(parse, line)
        if entry is None:
            broken.append(BrokenRow(number, "not_json", None, line))
            continue
        row = [entry.get(header) for header in headers]
        nested = [i for i, value in enumerate(row) if isinstance(value, (dict, list))]
        if nested:
            broken.append(BrokenRow(number, "nested", table.columns[nested[0]].name, line))
            continue
        for cells, value in zip(values, row, strict=True):
            cells.append(JSON_BOOLEANS[value] if isinstance(value, bool) else value)
    arrays = [pa.array(cells, pa.large_string()) for cells in values]
    return _rows(pa.table(arrays, [column.name for column in table.columns]), broken)


def _json_object(parse: Callable[[str], Any], line: str) -> dict[str, Any] | None:
    """The object of one line; None if it is none, or holds half of a character."""
    try:
        entry = parse(line)
        if "\\u" in line:
            json.dumps(entry, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _read_parquet(table: Table, data: bytes, path: Path) -> Rows:
    """A Parquet file; its values become text and take the same way as those of any other file."""
    try:
        read = pq.read_table(pa.BufferReader(data))
        positions = _positions(read.column_names, table, path)
        columns = {}
        for column in table.columns:
            values = read.column(positions[column.name])
            reason = _unfit(values.type)
            if reason:
                raise Problem(
                    f"{path}: column '{column.header}' {reason}; ask for the type of the contract"
                )
            columns[column.name] = values.cast(pa.large_string())
            columns[column.name].validate(full=True)  # also that texts are UTF-8
    except (pa.ArrowException, OSError) as error:
        raise Problem(
            f"{path} is not a whole Parquet file ({one_line(error)}); ask for it again"
        ) from error
    return _rows(pa.table(columns), [])


def _unfit(kind: pa.DataType) -> str | None:
    """Why values of an Arrow type cannot be taken exactly; None if they can."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_floating(kind):
        return "is floating point, which holds no exact amounts or identifiers"
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return "has a time zone, where local time without one was agreed"
    exact = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_integer,
        pa.types.is_decimal,
        pa.types.is_boolean,
        pa.types.is_date32,
        pa.types.is_timestamp,
        pa.types.is_null,
    )
    return None if any(fits(kind) for fits in exact) else f"has the type {kind}"


def _rows(read: pa.Table, broken: list[BrokenRow]) -> Rows:
    """Rows of a file with their numbers; empty and blank values become NULL."""
    frame = pl.DataFrame(pl.from_arrow(read)).select(pl.all().cast(pl.String).str.strip_chars())
    frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
    numbers = pl.int_range(1, frame.height + len(broken) + 1, dtype=pl.Int64, eager=True)
    if broken:
        aside = [row.source_row for row in broken]
        numbers = numbers.filter(~numbers.is_in(aside))
    return Rows(frame.with_columns(numbers.alias(SOURCE_ROW)), tuple(broken))
