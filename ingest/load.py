"""Loads what one source delivered for one night into the lake.

Each delivery in the landing folder is read and checked as a whole before any of its rows are taken
in: a file that disagrees with its control file or its contract refuses its delivery, and no other.
Single bad rows go to quarantine. Loading a night again replaces the same partitions; `raw/` then
holds the same bytes.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa

from ingest.ahead import Behind, ahead
from ingest.checks import Checked, Total, check
from ingest.core.contract import Source, Table, load_source
from ingest.core.errors import Problem
from ingest.core.lake import Lake, move_in, remove, write_parquet
from ingest.core.log import step_log
from ingest.core.privacy import Keys, read_keys
from ingest.core.settings import Settings
from ingest.deliveries import (
    ACCEPTED,
    DELIVERIES,
    DUPLICATE_FILE,
    REFUSED,
    Delivery,
    KnownFiles,
    LandedFile,
    Record,
    control_files,
    load_dates,
    read_delivery,
    records_before,
    refused_record,
    unannounced_files,
)
from ingest.expected import write_expected
from ingest.file_checks import AGAIN, check_bad_rows, check_control, check_volume
from ingest.partitions import (
    Delivered,
    normal_forms,
    quarantine_rows,
    raw_rows,
    restricted_rows,
)
from ingest.readers import read_rows
from ingest.readers.control import Expectation
from ingest.readers.rows import SOURCE_ROW
from ingest.releases import take_in_releases
from ingest.staged import ZONES, StagedFile
from ingest.versions import delivered_version

CONTROL = "control"  # what the ledger calls the table of a control file
UNKNOWN = "unknown"  # and that of a file whose name no contract knows
NAME_DIGITS = 16  # of a file's SHA-256, which names its partition files
LOG = step_log("load")


@dataclass(frozen=True)
class Taken:
    """One file that was taken in: its record, and its finished files by zone."""

    record: Record
    table: str
    parts: dict[str, Path]


@dataclass
class _Intake:
    """One source, one night: what is known already and what is taken in."""

    source: Source
    night: date
    keys: Keys
    aside: Path
    known: KnownFiles
    taken: list[Taken] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


def load(settings: Settings, source_name: str, night: date) -> list[Record]:
    """Load one night of one source; its rows of `raw/deliveries`.

    Problem if its contract lets no night go on without it and a delivery is missing or refused;
    nothing is written then.
    """
    source = load_source(settings.dbt_project, source_name)
    keys = read_keys(settings.keys_file)
    lake = Lake(settings.lake)
    aside = lake.work / "loading" / source_name
    remove(aside)
    known = KnownFiles(records_before(lake, source_name, night))
    intake = _Intake(source, night, keys, aside, known)
    _take_in_folder(intake, lake.landing(source_name, night))
    _stop_if_it_must_wait(intake)
    released = take_in_releases(lake, source, night, keys, aside)
    for table in source.tables:
        parts = [taken.parts for taken in intake.taken if taken.table == table.name]
        parts.append(released.files.get(table.name, {}))
        _move_in(lake, source_name, table.name, night, parts)
    remove(aside)
    write_expected(lake, source, night, load_dates(lake, source_name, night))
    records = [*intake.records, *released.records]
    write_parquet(pa.Table.from_pylist(records, DELIVERIES), lake.deliveries(source_name, night))
    return records


def _take_in_folder(intake: _Intake, folder: Path) -> None:
    """All deliveries of a landing folder, in the order of their versions."""
    announced: set[Path] = set()
    for business_date, sequence, control in control_files(intake.source, folder):
        delivery = Delivery(business_date, sequence, control, ())
        try:
            delivery = read_delivery(intake.source, intake.night, business_date, sequence, control)
            announced.update(file.path for file in delivery.files)
            _take_in(intake, delivery)
        except Problem as problem:
            LOG.error("%s", problem)
            intake.records += _refused(intake, delivery, str(problem))
    for path in unannounced_files(intake.source, folder, announced):
        intake.records.append(_unannounced(intake, path))


def _take_in(intake: _Intake, delivery: Delivery) -> None:
    """One delivery as a whole; Problem if one of its files is refused."""
    taken = [_read_file(intake, delivery, file) for file in delivery.files]
    for one in taken:
        intake.taken.append(one)
        intake.records.append(one.record)
        intake.known.add(one.record)


def _read_file(intake: _Intake, delivery: Delivery, file: LandedFile) -> Taken:
    """Read, check and stage one file; Problem if it is refused."""
    sha256, byte_count = _fingerprint(file.path)
    record = _record(intake, delivery, file.path, file.table.name, sha256, byte_count)
    expectation, sequence = file.expectation, delivery.sequence
    if expectation is not None:
        record |= _stated(file.table, expectation)
        if expectation.sha256 not in (None, sha256):
            raise Problem(f"{file.path} is not the file that its control file digested; {AGAIN}")
        sequence = expectation.sequence or sequence
    version = delivered_version(file.table, delivery.business_date, sequence)
    record["version"] = version
    if first := intake.known.find(sha256, version):
        return Taken(_as_known(file.path, record, first), file.table.name, {})
    delivered = Delivered(
        source=intake.source,
        table=file.table,
        business_date=delivery.business_date,
        source_file=str(record["source_file"]),
        sha256=sha256,
        version=version,
        keys=intake.keys,
    )
    name = f"{sha256[:NAME_DIGITS]}-{version}"
    distinct = [*file.table.key, SOURCE_ROW, "_row_hash"]
    staged = StagedFile(intake.aside / file.table.name, name, distinct)
    kept, refused = Total(), Total()
    first_refused: Checked | None = None
    # Reading, checking, shaping and writing go on side by side, each in the order of the file.
    with Behind() as writing, Behind() as shaping:
        for stated, checked in _checked(delivered, file.path):
            expectation = expectation or stated
            shaping.do(partial(_stage, staged, writing, delivered, checked))
            kept, refused = kept + checked.kept_total, refused + checked.refused_total
            first_refused = first_refused or (checked if checked.refused.height else None)
    check_volume(file, kept + refused)
    assert expectation is not None  # a reader of a file without a control file ends with it
    check_control(file, expectation, kept + refused)
    if first_refused is not None:
        check_bad_rows(file, first_refused, refused.row_count, (kept + refused).row_count)
    record |= _stated(file.table, expectation) | {
        "row_count": (kept + refused).row_count,
        "total_fen": (kept + refused).fen if file.table.control_total else None,
        "kept_count": kept.row_count,
        "quarantined_count": refused.row_count,
        "kept_total_fen": kept.fen if file.table.control_total else None,
        "quarantined_total_fen": refused.fen if file.table.control_total else None,
    }
    return Taken(record, file.table.name, staged.close())


def _checked(delivered: Delivered, path: Path) -> Iterator[tuple[Expectation | None, Checked]]:
    for rows in ahead(read_rows(delivered.table, path)):
        checked = check(delivered.source, delivered.table, rows, delivered.business_date)
        yield rows.stated, checked


def _stated(table: Table, expectation: Expectation) -> Record:
    """What the ledger keeps of what the sender says of a file."""
    total_fen = expectation.total_fen if table.control_total else None
    return {"control_row_count": expectation.row_count, "control_total_fen": total_fen}


def _stage(staged: StagedFile, writing: Behind, delivered: Delivered, checked: Checked) -> None:
    """Put some rows of a file where their zones will take them from."""
    forms = normal_forms(delivered.table.columns, checked.texts)
    writing.do(partial(staged.add, "raw", raw_rows(delivered, checked, forms)))
    sealed = (
        ("restricted", restricted_rows(delivered, checked, forms)),
        ("quarantine", quarantine_rows(delivered, checked)),
    )
    for zone, tables in sealed:
        if tables is not None:
            writing.do(partial(staged.add, zone, tables[0]))
            writing.do(partial(staged.add, f"{zone}/keys", tables[1]))


def _fingerprint(path: Path) -> tuple[str, int]:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from error


def _record(
    intake: _Intake, delivery: Delivery, path: Path, table: str, sha256: str, byte_count: int
) -> Record:
    """The ledger's row of a file, before anything is known of its rows."""
    return {
        **dict.fromkeys(DELIVERIES.names),
        "source": intake.source.name,
        "table_name": table,
        "business_date": delivery.business_date,
        "sequence": delivery.sequence,
        "source_file": f"{intake.night.isoformat()}/{path.name}",
        "source_sha256": sha256,
        "byte_count": byte_count,
        "status": ACCEPTED,
    }


def _as_known(path: Path, record: Record, first: Record) -> Record:
    """The same bytes once more: every row is one that is known."""
    LOG.warning("%s: same bytes as %s; nothing new", path, first["source_file"])
    return record | {
        "row_count": first["row_count"],
        "total_fen": first["total_fen"],
        "kept_count": 0,
        "quarantined_count": 0,
        "status": DUPLICATE_FILE,
        "reason": f"same bytes as {first['source_file']}",
    }


def _refused(intake: _Intake, delivery: Delivery, reason: str) -> Iterator[Record]:
    """The ledger's rows of a delivery of which nothing was taken in."""
    files = {file.path: file.table.name for file in delivery.files if file.path.is_file()}
    for path, table in {delivery.control: CONTROL, **files}.items():
        record = _record(intake, delivery, path, table, *_fingerprint(path))
        yield refused_record(record, reason)


def _unannounced(intake: _Intake, path: Path) -> Record:
    """The ledger's row of a file that no control file names: a repetition, or one not read."""
    sha256, byte_count = _fingerprint(path)
    nobody = Delivery(intake.night, 0, path, ())
    if first := intake.known.find(sha256):
        table = str(first["table_name"])
        return _as_known(path, _record(intake, nobody, path, table, sha256, byte_count), first)
    is_alone = intake.source.control.is_trailer
    why = (
        "its name is not one that was agreed" if is_alone else "no control file of it was taken in"
    )
    reason = f"{path} was not read: {why}; ask for it"
    LOG.warning("%s", reason)
    table = intake.source.owner_of(path.name) or UNKNOWN
    return refused_record(_record(intake, nobody, path, table, sha256, byte_count), reason)


def _stop_if_it_must_wait(intake: _Intake) -> None:
    """Problem if the contract lets no night go on without this source's delivery."""
    source, night = intake.source, intake.night
    if source.policy != "block":
        return
    deliveries = [record for record in intake.records if record["sequence"]]
    refused = [record for record in deliveries if record["status"] == REFUSED]
    if refused:
        raise Problem(f"{source.name} blocks the night: {refused[0]['reason']}")
    if not any(record["business_date"] == night for record in deliveries):
        raise Problem(
            f"{source.name} blocks the night: it has delivered nothing for {night}; "
            "wait for it, or set its lateness policy to provisional"
        )


def _move_in(
    lake: Lake, source: str, table: str, night: date, parts: list[dict[str, Path]]
) -> None:
    """Replace the partitions of one table, keys first: no sealed value is without its key."""
    for zone in ZONES:
        folder = lake.partition(zone, source, table, night)
        new = {part[zone].name: part[zone] for part in parts if zone in part}
        for name, path in sorted(new.items()):
            move_in(path, folder / name)
        for path in sorted(folder.glob("*")) if folder.is_dir() else []:
            if path.name not in new:
                remove(path)
        if not new:
            remove(folder)
