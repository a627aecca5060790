"""What lies in a landing folder: control files and the files that they name.

A delivery is what one control file names, for one business date, with a sequence: 1 for the first
delivery of that date, 2 for the next. A file that ends with its summary is its own control file and
a delivery by itself. Names and places of files mean nothing beyond that, and the
order in which they came means nothing at all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.core.contract import Source, Table
from ingest.core.errors import Problem
from ingest.core.lake import Lake, partition_dates
from ingest.core.log import step_log
from ingest.readers.control import Expectation, read_control

ACCEPTED, DUPLICATE_FILE, REFUSED, RELEASED = "accepted", "duplicate_file", "refused", "released"
DELIVERIES = pa.schema(
    [
        ("source", pa.string()),
        ("table_name", pa.string()),
        ("business_date", pa.date32()),
        ("sequence", pa.int64()),
        ("version", pa.int64()),
        ("source_file", pa.string()),
        ("source_sha256", pa.string()),
        ("byte_count", pa.int64()),
        ("control_row_count", pa.int64()),
        ("control_total_fen", pa.int64()),
        ("row_count", pa.int64()),
        ("total_fen", pa.int64()),
        ("kept_count", pa.int64()),
        ("quarantined_count", pa.int64()),
        ("kept_total_fen", pa.int64()),
        ("quarantined_total_fen", pa.int64()),
        ("status", pa.string()),
        ("reason", pa.string()),
    ]
)
KNOWN_BEFORE_READING = (
    *("source", "table_name", "business_date", "sequence"),
    *("source_file", "source_sha256", "byte_count"),
)
LOG = step_log("load")
Record = dict[str, object]


@dataclass(frozen=True)
class LandedFile:
    """One file of a delivery, as its control file announces it; None where it says so itself."""

    table: Table
    path: Path
    expectation: Expectation | None


@dataclass(frozen=True)
class Delivery:
    """What one control file names."""

    business_date: date
    sequence: int
    control: Path
    files: tuple[LandedFile, ...]


def control_files(source: Source, folder: Path) -> list[tuple[date, int, Path]]:
    """Control files of a landing folder, in the order of business date and sequence."""
    found = []
    for path in _plain_files(folder):
        delivery = source.control.delivery_of(path.name)
        if delivery is not None:
            found.append((*delivery, path))
    return sorted(found)


def unannounced_files(source: Source, folder: Path, announced: set[Path]) -> list[Path]:
    """Files of a landing folder that no control file names."""
    return [
        path
        for path in _plain_files(folder)
        if path not in announced and source.control.delivery_of(path.name) is None
    ]


def read_delivery(
    source: Source, night: date, business_date: date, sequence: int, control: Path
) -> Delivery:
    """Read what a control file announces; Problem if it cannot be a delivery of this source."""
    if business_date > night:
        raise Problem(f"{control} is of {business_date}, which is after {night}; ask for its date")
    if source.control.is_trailer:
        files = [LandedFile(source.tables[0], control, None)]
    else:
        files = list(_named_files(source, business_date, control))
    awaited = {table.name for table in source.tables if not table.optional}
    missing = awaited - {file.table.name for file in files}
    if sequence == 1 and missing:
        raise Problem(
            f"{control} names no file of {', '.join(sorted(missing))}; a first delivery holds "
            "every table that is not optional, ask for the whole delivery"
        )
    for file in files:
        if file.path.is_symlink() or not file.path.is_file():
            raise Problem(
                f"{file.path} is missing, or no plain file; ask the business for the whole "
                "delivery and load again"
            )
    return Delivery(business_date, sequence, control, tuple(files))


def _named_files(source: Source, business_date: date, control: Path) -> Iterator[LandedFile]:
    """The files that a control file names."""
    for name, expectation in read_control(source.control, control).items():
        owners = [table for table in source.tables if table.owns(name, business_date)]
        if len(owners) != 1:
            raise Problem(
                f"{control} names {name}, which is no file of {business_date} in the contract of "
                f"{source.name}; ask for a file of the agreed name"
            )
        yield LandedFile(owners[0], control.parent / name, expectation)


def refused_record(record: Record, reason: str) -> Record:
    """The ledger's row of a file of which nothing lies in the lake: which file it is, and why."""
    known = {name: record[name] for name in KNOWN_BEFORE_READING}
    return {**dict.fromkeys(DELIVERIES.names), **known, "status": REFUSED, "reason": reason}


class KnownFiles:
    """Files with rows that were taken in, by their bytes.

    The same bytes are nothing new, unless they are handed over as a newer version: a correction may
    say again what was said before the one it corrects.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._by_bytes: dict[str, Record] = {}
        self._by_version: dict[tuple[str, object], Record] = {}
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        """Know a file of the ledger, if it was taken in."""
        if record["status"] == ACCEPTED and record["row_count"]:
            sha256 = str(record["source_sha256"])
            self._by_bytes.setdefault(sha256, record)
            self._by_version.setdefault((sha256, record["version"]), record)

    def find(self, sha256: str, version: int | None = None) -> Record | None:
        """The record of the same bytes in a version, in any version for None."""
        if version is None:
            return self._by_bytes.get(sha256)
        return self._by_version.get((sha256, version))


def records_before(lake: Lake, source_name: str, night: date) -> Iterator[Record]:
    """The ledger of deliveries of one source up to the night before, in order."""
    for load_date in load_dates(lake, source_name, night):
        yield from pq.ParquetFile(lake.deliveries(source_name, load_date)).read().to_pylist()


def load_dates(lake: Lake, source_name: str, night: date) -> list[date]:
    """Nights before this one that loaded a source, ascending."""
    nights = partition_dates(lake.deliveries(source_name, night).parent.parent)
    return [
        each for each in nights if each < night and lake.deliveries(source_name, each).is_file()
    ]


def _plain_files(folder: Path) -> list[Path]:
    """Files of a folder by name, without hidden ones and what is still arriving."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
    )
