"""Loads the delivery of one source for one business date into the lake.

The whole delivery is read and checked before anything is written: a file that disagrees with its
control file or its contract refuses the delivery, and the lake stays as it was. Single bad rows go
to quarantine. Running it again replaces the same partitions; `raw/` then holds the same bytes.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.checks import Checked, Total, check
from ingest.core.contract import load_source
from ingest.core.errors import Problem
from ingest.core.lake import Lake, partition_dates, remove_partition, write_parquet
from ingest.core.log import step_log
from ingest.core.settings import Settings
from ingest.partitions import (
    Delivered,
    normal_forms,
    quarantine_rows,
    raw_rows,
    restricted_rows,
)
from ingest.privacy import read_keys
from ingest.readers import SOURCE_ROW, Expectation, read_control, read_file

ACCEPTED = "accepted"
DUPLICATE_FILE = "duplicate_file"
BAD_ROWS_ALWAYS_TAKEN = 20
MAX_TOTAL_FEN = 2**63 - 1
GOOD_ROWS_PER_BAD_ROW = 4  # more than one bad row in five refuses the file
DELIVERIES = pa.schema(
    [
        ("source", pa.string()),
        ("table_name", pa.string()),
        ("source_file", pa.string()),
        ("source_sha256", pa.string()),
        ("byte_count", pa.int64()),
        ("control_row_count", pa.int64()),
        ("control_total_fen", pa.int64()),
        ("row_count", pa.int64()),
        ("loaded_count", pa.int64()),
        ("duplicate_count", pa.int64()),
        ("quarantined_count", pa.int64()),
        ("loaded_total_fen", pa.int64()),
        ("duplicate_total_fen", pa.int64()),
        ("quarantined_total_fen", pa.int64()),
        ("status", pa.string()),
    ]
)
LOG = step_log("load")


@dataclass(frozen=True)
class TableLoad:
    """One table, ready to be written; pairs are sealed rows and their wrapped keys."""

    table: str
    delivery: dict[str, object]
    raw: pa.Table
    restricted: tuple[pa.Table, pa.Table] | None
    quarantine: tuple[pa.Table, pa.Table] | None


def load(settings: Settings, source_name: str, business_date: date) -> list[dict[str, object]]:
    """Load one delivery and return its rows of `raw/deliveries`; Problem if a file is refused."""
    source = load_source(settings.dbt_project, source_name)
    keys = read_keys(settings.keys_file)
    lake = Lake(settings.lake)
    folder = landing_folder(lake, source_name, business_date)
    expected = read_control(source, folder / source.control.file_name(business_date))
    known = _known_files(lake, source_name, business_date)
    loads = [
        _take_in(Delivered(source, table, business_date, folder, keys), expected, known)
        for table in source.tables
    ]
    for table_load in loads:
        _write(lake, source_name, business_date, table_load)
    deliveries = [table_load.delivery for table_load in loads]
    write_parquet(
        pa.Table.from_pylist(deliveries, DELIVERIES),
        lake.deliveries(source_name, business_date),
    )
    return deliveries


def landing_folder(lake: Lake, source_name: str, business_date: date) -> Path:
    """Folder of a delivery; Problem that says where it was expected if it is not there."""
    folder = lake.landing(source_name, business_date)
    if not folder.is_dir():
        raise Problem(
            f"no delivery of {source_name} for {business_date}: folder {folder} is missing; "
            "put the delivery there, or make one with `python -m ingest demo`"
        )
    return folder


def _take_in(
    delivery: Delivered, expected: dict[str, Expectation], known: dict[tuple[str, str], date]
) -> TableLoad:
    """Read, check and split one file; Problem if it is refused."""
    table, path = delivery.table, delivery.path
    file = read_file(table, path)
    checked = check(delivery.source, table, file.rows, delivery.business_date)
    expectation = _agreed(delivery, expected, checked)
    first_loaded = known.get((table.name, file.sha256)) if checked.handed_over.row_count else None
    if first_loaded is None:
        _refuse_bad_file(delivery, checked)
    else:
        LOG.warning("%s: same bytes as loaded on %s; nothing new", path, first_loaded)
        checked = _nothing_new(checked)
    record: dict[str, object] = {
        "source": delivery.source.name,
        "table_name": table.name,
        "source_file": delivery.source_file,
        "source_sha256": file.sha256,
        "byte_count": file.byte_count,
        "control_row_count": expectation.row_count,
        "control_total_fen": expectation.total_fen if table.control_total else None,
        "row_count": checked.handed_over.row_count,
        "status": ACCEPTED if first_loaded is None else DUPLICATE_FILE,
    }
    for name in ("loaded", "duplicate", "quarantined"):
        total: Total = getattr(checked, name)
        record[f"{name}_count"], record[f"{name}_total_fen"] = total.row_count, total.fen
    forms = normal_forms(table, checked.texts)
    return TableLoad(
        table=table.name,
        delivery=record,
        raw=raw_rows(delivery, checked, forms),
        restricted=restricted_rows(delivery, checked, forms),
        quarantine=quarantine_rows(delivery, checked),
    )


def _write(lake: Lake, source_name: str, business_date: date, loaded: TableLoad) -> None:
    """Replace the partitions of one table, keys first: no sealed value is without its key."""
    place = (source_name, loaded.table, business_date)
    pairs = (
        (loaded.restricted, lake.restricted(*place), lake.restricted_keys(*place)),
        (loaded.quarantine, lake.quarantine(*place), lake.quarantine_keys(*place)),
    )
    for tables, path, keys_path in pairs:
        if tables is None:
            remove_partition(path)
            remove_partition(keys_path)
        else:
            write_parquet(tables[1], keys_path)
            write_parquet(tables[0], path)
    write_parquet(loaded.raw, lake.raw(*place))


def _agreed(delivery: Delivered, expected: dict[str, Expectation], checked: Checked) -> Expectation:
    """What the control file says of a file; Problem unless rows and amount are what was read."""
    path, handed_over = delivery.path, checked.handed_over
    expectation = expected.get(path.name)
    again = "the file was refused, ask for the delivery again"
    if expectation is None:
        raise Problem(f"{path} is not in the control file; {again}")
    if handed_over.row_count != expectation.row_count:
        raise Problem(
            f"{path} has {handed_over.row_count} rows, its control file says "
            f"{expectation.row_count}; {again}"
        )
    if abs(handed_over.fen or 0) > MAX_TOTAL_FEN:
        raise Problem(f"{path} adds up to {handed_over.fen} fen, which no ledger holds; {again}")
    if delivery.table.control_total and handed_over.fen != expectation.total_fen:
        stated = "nothing" if expectation.total_fen is None else f"{expectation.total_fen} fen"
        raise Problem(
            f"{path} adds up to {handed_over.fen} fen in {delivery.table.control_total}, "
            f"its control file says {stated}; {again}"
        )
    return expectation


def _refuse_bad_file(delivery: Delivered, checked: Checked) -> None:
    """Problem if so many rows are bad that the file, not the rows, must be wrong."""
    bad, rows = checked.quarantined.row_count, checked.handed_over.row_count
    if bad <= BAD_ROWS_ALWAYS_TAKEN or bad * (GOOD_ROWS_PER_BAD_ROW + 1) <= rows:
        return
    first = checked.refused.row(0, named=True)
    raise Problem(
        f"{delivery.path}: {bad} of {rows} rows break the contract (the first: row "
        f"{first[SOURCE_ROW]}, column {first['column_name']}, rule {first['rule']}); "
        "the file was refused, correct it or the contract and load again"
    )


def _nothing_new(checked: Checked) -> Checked:
    """The same file once more: no row loads, every row counts as a duplicate."""
    none = Total(0, None if checked.handed_over.fen is None else 0)
    return Checked(
        accepted=checked.accepted.clear(),
        texts=checked.texts.clear(),
        refused=checked.refused.clear(),
        loaded=none,
        duplicate=checked.handed_over,
        quarantined=none,
        handed_over=checked.handed_over,
    )


def _known_files(lake: Lake, source_name: str, business_date: date) -> dict[tuple[str, str], date]:
    """Files that earlier business dates loaded: (table, SHA-256) → the first such date."""
    known: dict[tuple[str, str], date] = {}
    for load_date in partition_dates(lake.deliveries(source_name, business_date).parent.parent):
        path = lake.deliveries(source_name, load_date)
        if load_date >= business_date or not path.is_file():
            continue
        read = pq.ParquetFile(path).read(columns=["table_name", "source_sha256", "status"])
        for row in read.to_pylist():
            if row["status"] == ACCEPTED:
                known.setdefault((row["table_name"], row["source_sha256"]), load_date)
    return known
