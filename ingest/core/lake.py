"""The lake: where every zone is, and how files get there whole or not at all.

A file is written under a temporary name, synced and renamed. A reader sees the old file or the new
one, never half of either, and a killed step leaves nothing that looks finished.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.core.errors import Problem
from ingest.core.fail_points import fail_point
from ingest.core.fence import fenced

PART = "part.parquet"
DATA_DOCS = "data_docs"
WRITTEN_ZONES = ("raw", "restricted", "quarantine", "decisions", "posted", "outbox", "metrics")
TEMPORARY = re.compile(r"\..+\.(\d+)\.(tmp|new)")  # the number is the process that writes it
ROW_GROUP_ROWS = 262_144  # fixed, so that the same rows always give the same bytes


@dataclass(frozen=True)
class Lake:
    """The folder that holds all zones (DESIGN §4). Paths only; nothing is made by asking."""

    root: Path

    def landing(self, source: str, business_date: date) -> Path:
        """Folder of one delivery."""
        return self.root / "landing" / source / business_date.isoformat()

    def raw(self, source: str, table: str, load_date: date) -> Path:
        """File of one partition that a step of ours writes: `raw/rules/<table>/` and their like."""
        return self.partition("raw", source, table, load_date) / PART

    def partition(self, zone: str, source: str, table: str, load_date: date) -> Path:
        """Folder of what one night loaded of a table, one file for each landing file.

        `zone` is raw, restricted (sealed personal data), quarantine (refused rows), or
        restricted/keys and quarantine/keys (their wrapped data keys: who has none is erased).
        """
        return self.root / zone / source / table / f"load_date={load_date.isoformat()}"

    def deliveries(self, source: str, load_date: date) -> Path:
        """File that says what became of each file of one delivery."""
        return self.root / "raw" / "deliveries" / f"load_date={load_date}" / f"{source}.parquet"

    def raw_night(self, table: str, load_date: date) -> Path:
        """File of one night of a table that is about all sources, as `raw/expectations`."""
        return self.root / "raw" / table / f"load_date={load_date.isoformat()}" / PART

    def expected(self, source: str, load_date: date) -> Path:
        """File that says for which business dates one night awaited deliveries."""
        return self.root / "raw" / "expected" / f"load_date={load_date}" / f"{source}.parquet"

    def decisions(self, source: str) -> Path:
        """Folder of what people decided about refused rows of a source."""
        return self.root / "decisions" / "quarantine" / source

    @property
    def identity_decisions(self) -> Path:
        """Folder of what people decided about who is who."""
        return self.root / "decisions" / "identity"

    @property
    def tier_decisions(self) -> Path:
        """Folder of what people decided about tiers that are held fast."""
        return self.root / "decisions" / "tiers"

    @property
    def rule_decisions(self) -> Path:
        """Folder of what people agreed that changed rules may do in one night."""
        return self.root / "decisions" / "rules"

    @property
    def payments(self) -> Path:
        """Folder of the journal of payments that finance has made."""
        return self.root / "decisions" / "payments"

    @property
    def identity_labels(self) -> Path:
        """File that says who is who of a sample of accounts, if somebody has checked one."""
        return self.root / "decisions" / "identity_labels.parquet"

    def posted(self, table: str, posted_date: date) -> Path:
        """File of one night's postings."""
        return self.root / "posted" / table / f"posted_date={posted_date.isoformat()}" / PART

    def token_key(self, key_id: str) -> Path:
        """File that says since which night a token key makes tokens in this lake."""
        return self.root / "raw" / "token_keys" / f"{key_id}.json"

    def rule_books(self, version: str) -> Path:
        """File of the rule books of one version, as the nights had them that cite it."""
        return self.root / "raw" / "rule_books" / f"{version}.json"

    def close(self, period: str, version: int = 1) -> Path:
        """File of the totals of a frozen month, `period` as YYYY-MM; later versions beside it."""
        name = PART if version == 1 else f"version_{version}.parquet"
        return self.root / "raw" / "closes" / f"period={period}" / name

    @property
    def close_steps(self) -> Path:
        """Folder of what people did to close months, a folder a month, a file a step."""
        return self.root / "decisions" / "closes"

    def handover(self, name: str) -> Path:
        """File that dbt wrote for a Python step."""
        return self.work / "handover" / f"{name}.parquet"

    def data_docs(self, of: str) -> Path:
        """Folder of tonight's Data Docs: of the `batches` at the gate, of the `marts`."""
        return self.work / DATA_DOCS / of

    @property
    def work(self) -> Path:
        """Folder of the night being built; disposable."""
        return self.root / "work"

    @property
    def tonight(self) -> Path:
        """The night being built: one row of business_date, previous_date, run_key, …"""
        return self.work / "tonight.parquet"

    @property
    def birthdays(self) -> Path:
        """Birthdays of accounts, for one night, while a rule asks for them."""
        return self.work / "birthdays.parquet"

    @property
    def published(self) -> Path:
        """Folder of closed versions and of the pointer `current`."""
        return self.root / "published"

    @property
    def outbox(self) -> Path:
        """Folder of what receivers take away."""
        return self.root / "outbox"

    @property
    def to_export(self) -> Path:
        """The version that was published, one line, until all of it is in the outbox."""
        return self.root / "metrics" / "to_export"


def partition_dates(folder: Path, column: str = "load_date") -> list[date]:
    """Dates of the `<column>=YYYY-MM-DD` partitions in a folder, ascending."""
    names = [path.name for path in folder.glob(f"{column}=*")]
    return sorted(date.fromisoformat(name.partition("=")[2]) for name in names)


def write_bytes(path: Path, data: bytes) -> None:
    """Put `data` at `path` whole or not at all; Problem if the lake cannot be written."""
    with _replacing(path) as temporary, temporary.open("wb") as file:
        file.write(data)


def write_new(path: Path, data: bytes) -> bool:
    """Put `data` at `path` unless something is there already; whether it was put there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        write_bytes(temporary, data)
        fail_point("before link")
        with fenced():
            os.link(temporary, path)
        fail_point("after link")
        sync(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return True


def write_parquet(table: pa.Table, path: Path) -> None:
    """Put a table at `path` whole or not at all; the same rows, in order, give the same bytes."""
    with _replacing(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata(None),
            temporary,
            compression="zstd",
            row_group_size=ROW_GROUP_ROWS,
        )


def write_tables(tables: Iterable[pa.Table], schema: pa.Schema, path: Path) -> int:
    """Put tables at `path` one after the other, as they come; returns the number of rows.

    The same tables give the same bytes; only one of them is in memory at a time.
    """
    rows = 0
    with (
        _replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for table in tables:
            writer.write_table(table.cast(schema), row_group_size=ROW_GROUP_ROWS)
            rows += table.num_rows
    return rows


def write_with(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file, then put it at `path` whole or not at all."""
    with _replacing(path) as temporary:
        write(temporary)


def remove(path: Path) -> None:
    """Take a file or folder away if it is there; Problem if the lake cannot be written."""
    try:
        fail_point("before remove")
        with fenced():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        fail_point("after remove")
    except OSError as error:
        raise _unwritable(path, error) from error


def move_in(made: Path, path: Path) -> None:
    """Put a file that was written aside at `path`, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        rename(made, path)
    except OSError as error:
        raise _unwritable(path, error) from error


def sync(path: Path) -> None:
    """Make a file's bytes, or a folder's names, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(lake: Lake) -> list[Path]:
    """Take away the temporary files of processes that were killed while they wrote; which they
    were.
    """
    zones = (lake.root / name for name in WRITTEN_ZONES)
    left = [
        path
        for zone in zones
        for path in sorted(zone.rglob(".*"))
        if (found := TEMPORARY.fullmatch(path.name)) and not Path("/proc", found[1]).exists()
    ]
    for path in left:
        remove(path)
    return left


def check_writable(root: Path) -> None:
    """Problem unless files can be made, synced and removed under `root`."""
    probe = root / ".write-check"
    write_bytes(probe, b"")
    remove(probe)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`; it is synced and renamed if the block ends well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            fail_point("before write")
            yield temporary
            rename(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def rename(made: Path, path: Path, what: str = "rename") -> None:
    """Give a written file or folder its name so that it survives a power cut; OSError if it cannot.
    `what` names the fail points.
    """
    fail_point("before sync")
    sync(made)
    fail_point(f"before {what}")
    with fenced():
        os.replace(made, path)
    fail_point(f"after {what}")
    sync(path.parent)


def _unwritable(path: Path, error: OSError) -> Problem:
    reason = error.strerror or str(error)
    advice = "check the folder's owner, mode and free space"
    return Problem(f"cannot write {path}: {reason}; {advice}")
