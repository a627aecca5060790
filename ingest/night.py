"""Opens a night: checks what a person may have got wrong, and gives the night its run_key.

    input set + rules + code version + business date + the night before = run_key

The same run_key gives the same bytes, so a night that is published under it already is not worked
on again. A published night is never rewritten; `--replace` redoes the latest one while no month of
it is closed.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from ingest.core.contract import Source, load_source, meta_of, source_names
from ingest.core.errors import NOTHING_TO_DO, Problem
from ingest.core.identity_decisions import decision_record, read_identity_decisions
from ingest.core.lake import PART, Lake, check_writable, sweep, write_bytes, write_parquet
from ingest.core.log import step_log
from ingest.core.payments import payments_known
from ingest.core.pointer import latest_version
from ingest.core.privacy import read_keys
from ingest.core.settings import Settings
from ingest.decisions import read_decisions
from ingest.expectation_files import written_expectations
from ingest.generations import begin_keys
from ingest.lateness import check_deliveries
from ingest.partitions import ARROW_TYPES, raw_schema
from ingest.restatements import read_restatements
from ingest.rules.books import load_rule_books
from ingest.rules.kept import keep_books, rules_version
from ingest.tier_locks import read_tier_decisions

CODE_FOLDERS = ("ingest", "identity_resolution", "ledger", "exports")
CODE_SUFFIXES = (".py", ".yml", ".json")  # comparison.json decides members, too
DBT_FOLDERS = ("models", "macros")
DBT_SUFFIXES = (".sql", ".yml")
LAKE_SOURCES = Path("models/intermediate/common/_lake__sources.yml")
TONIGHT = pa.schema(
    [
        ("business_date", pa.date32()),
        ("previous_date", pa.date32()),
        ("run_key", pa.string()),
        ("previous_run_key", pa.string()),
        ("input_key", pa.string()),
        ("rules_version", pa.string()),
        ("code_version", pa.string()),
        ("is_everything_touched", pa.bool_()),
    ]
)
MEGABYTE = 1024 * 1024
BYTES_AT_LEAST = 64 * MEGABYTE  # a lake's own tables, empty
EMPTY_DATE = date(1970, 1, 1)
LOG = step_log("open")


@dataclass(frozen=True)
class Night:
    """One night that was opened; `input_key` covers files and rules, `run_key` everything.

    `is_everything_touched` says that rules or code differ from the night before, so that every
    member's ledger is derived again.
    """

    business_date: date
    previous_date: date | None
    run_key: str
    previous_run_key: str | None
    input_key: str
    rules_version: str
    code_version: str
    is_everything_touched: bool


def open_night(
    settings: Settings,
    business_date: date,
    replace: bool,
    at: datetime | None = None,
    is_awaiting: bool = True,
) -> int:
    """Open the night of a business date; the exit status: 0, or NOTHING_TO_DO if it is published.

    Checks lake, keys, rules, contracts and deliveries, then writes work/tonight.parquet and the
    empty partitions that a new lake needs. `at` is the time of asking: before it, deliveries are
    waited for; unless `is_awaiting`, none is missed. Raises Problem for whatever a person has to
    put right.
    """
    lake = Lake(settings.lake)
    check_writable(lake.root)
    sweep(lake)
    keys = read_keys(settings.keys_file)
    sources = _check_contracts(settings)
    folders = {source.name: lake.landing(source.name, business_date) for source in sources}
    rules = rules_version(settings.rules)
    decided = _decided(lake, sources, business_date)
    inputs = _digest([business_date.isoformat(), *_landed(folders), *decided, rules])
    code = code_version(settings.dbt_project)
    published = published_night(lake)
    if published is not None and business_date <= published.business_date:
        done = _already_done(lake, published, business_date, inputs, code, replace)
        if done is not None:
            print(done)
            return NOTHING_TO_DO
        before = _recorded(lake, published.previous_run_key)
    else:
        before = published
    check_space(lake, space_wanted(lake, sum(_sizes(folders.values()))))
    if is_awaiting:
        check_deliveries(lake, sources, business_date, at)
    begin_keys(lake, keys, business_date)
    before_key = before.run_key if before else None
    night = Night(
        business_date=business_date,
        previous_date=before.business_date if before else None,
        run_key=_digest([before_key or "", inputs, code]),
        previous_run_key=before_key,
        input_key=inputs,
        rules_version=rules,
        code_version=code,
        is_everything_touched=before is None
        or (before.rules_version, before.code_version) != (rules, code),
    )
    _keep(lake, night)
    keep_books(lake, settings.rules, rules)
    ensure_empty_partitions(lake, settings.dbt_project / LAKE_SOURCES)
    for source in sources:
        _ensure_empty_tables(lake, source)
    lake.handover("int_tonight").parent.mkdir(parents=True, exist_ok=True)  # dbt does not make it
    write_parquet(pa.Table.from_pylist([asdict(night)], TONIGHT), lake.tonight)
    LOG.info("night %s opened, run_key %s", business_date, night.run_key[:12])
    return 0


def space_wanted(lake: Lake, landed_bytes: int) -> int:
    """Bytes of disk that a night may take: its files as Parquet, in the working database and as
    marts; and the version that readers have, built anew beside it and in the working database.
    """
    version = (lake.published / "current").resolve()
    published_bytes = sum(_sizes([version])) if version.is_dir() else 0
    return BYTES_AT_LEAST + 3 * landed_bytes + 2 * published_bytes


def check_space(lake: Lake, wanted: int) -> None:
    """Problem unless the lake's disk has so many bytes free: a night that runs out of them fails in
    the middle, and leaves the disk full for everybody.
    """
    free = shutil.disk_usage(lake.root).free
    if free < wanted:
        raise Problem(
            f"{lake.root} has {free // MEGABYTE} MB free, and the night wants about "
            f"{wanted // MEGABYTE} MB; make room, then run the night again"
        )


def published_night(lake: Lake) -> Night | None:
    """The last published night, also while readers see an earlier one; None before the first."""
    manifest = lake.published / (latest_version(lake.root) or "current") / "manifest.json"
    if not manifest.is_file():
        return None
    try:
        entry = json.loads(manifest.read_text(encoding="utf-8"))
        business_date, run_key = date.fromisoformat(entry["business_date"]), str(entry["run_key"])
    except (ValueError, KeyError, TypeError) as error:
        raise Problem(
            f"{manifest} is damaged; point published/current to a whole version"
        ) from error
    night = _recorded(lake, run_key)
    if night is not None and night.business_date != business_date:
        raise Problem(f"{manifest} and {_night_path(lake, run_key)} differ in the business date")
    return night


def code_version(dbt_project: Path) -> str:
    """Digest over the code and models that turn inputs into numbers."""
    project = dbt_project.parent
    folders: list[tuple[Path, tuple[str, ...]]] = [
        (project / name, CODE_SUFFIXES) for name in CODE_FOLDERS
    ]
    folders += [(dbt_project / name, DBT_SUFFIXES) for name in DBT_FOLDERS]
    lines = []
    for folder, suffixes in folders:
        paths = [path for path in sorted(folder.rglob("*")) if path.suffix in suffixes]
        lines += [f"{path.relative_to(project).as_posix()} {_file_digest(path)}" for path in paths]
    return _digest(lines)


def ensure_empty_partitions(lake: Lake, contract: Path) -> list[Path]:
    """Give each table that the platform keeps an empty partition, so that its glob finds a file.

    Reads the sources with `meta.first_partition` from the dbt sources file; partition columns are
    not in the file.
    """
    made = []
    for source in yaml.safe_load(contract.read_text(encoding="utf-8"))["sources"]:
        meta = meta_of(source)
        for table in source["tables"] if "first_partition" in meta else []:
            location = lake.root / meta["location"].format(name=table["name"])
            path = location / meta["first_partition"] / PART
            fields = [(c["name"], ARROW_TYPES[c["data_type"]]) for c in table["columns"]]
            write_parquet(pa.schema(fields).empty_table(), path)
            made.append(path)
    return made


def _ensure_empty_tables(lake: Lake, source: Source) -> None:
    """Give each table of a source an empty partition, in case nothing has been delivered yet."""
    for table in source.tables:
        folder = lake.partition("raw", source.name, table.name, EMPTY_DATE)
        write_parquet(raw_schema(table).empty_table(), folder / PART)


def _check_contracts(settings: Settings) -> list[Source]:
    """Check rules and contracts, each and against each other; all sources."""
    books = load_rule_books(settings.rules, settings.dbt_project)
    businesses = {book.business: book for book in books.businesses}
    names = source_names(settings.dbt_project)
    if not names:
        raise Problem(f"{settings.dbt_project / 'models' / 'staging'} holds no source contract")
    sources = [load_source(settings.dbt_project, name) for name in names]
    for name, source in zip(names, sources, strict=True):
        written_expectations(settings.dbt_project, source)
        book = businesses.get(source.business)
        if book is None:
            known = ", ".join(sorted(businesses))
            raise Problem(f"source {name}: unknown business '{source.business}' (known: {known})")
        day = (source.time_zone, source.day_cut_off.strftime("%H:%M"))
        if day != (book.time_zone, book.day_cut_off):
            raise Problem(
                f"source {name}: its contract ends the day at {day[1]} {day[0]}, "
                f"rules/businesses/{book.business}.yml at {book.day_cut_off} {book.time_zone}"
            )
    return sources


def _already_done(
    lake: Lake, published: Night, business_date: date, inputs: str, code: str, replace: bool
) -> str | None:
    """Why there is nothing to do for a date up to the published one; None if it may be replaced.

    Raises Problem if the date has new inputs but cannot be rewritten.
    """
    night = _night_of(lake, published, business_date)
    if night is None:
        raise Problem(
            f"night {business_date} was never published, but {published.business_date} is; "
            "put its files into the landing folder of the next night"
        )
    version = f"{business_date}-{night.run_key[:12]}"
    is_latest = business_date == published.business_date
    if night.input_key == inputs and not (replace and is_latest and night.code_version != code):
        changed = "" if night.code_version == code else " (only the code changed since)"
        return f"night {business_date} is already published as {version}; nothing was new{changed}"
    if not (replace and is_latest):
        way_out = " or use --replace" if is_latest else ""
        raise Problem(
            f"night {business_date} is published as {version}, and that is never rewritten; "
            f"put the new files into the next night's landing folder{way_out}"
        )
    if close := _close_of(lake, business_date, version):
        raise Problem(
            f"night {business_date} cannot be replaced: a month is closed by it ({close}); "
            "put the new files into the next night's landing folder"
        )
    return None


def _close_of(lake: Lake, business_date: date, version: str) -> Path | None:
    """The close of a night's month, or one that was written from that night's publication."""
    of_month = lake.close(business_date.strftime("%Y-%m"))
    if of_month.exists():
        return of_month
    for path in sorted(of_month.parent.parent.glob("*/*.parquet")):
        if version in pq.ParquetFile(path).read(["version"])["version"].to_pylist():
            return path
    return None


def _night_of(lake: Lake, latest: Night, business_date: date) -> Night | None:
    """The published night of a date, found by following each night to the one before it."""
    night: Night | None = latest
    while night is not None and night.business_date > business_date:
        night = _recorded(lake, night.previous_run_key)
    return night if night is not None and night.business_date == business_date else None


def _night_path(lake: Lake, run_key: str) -> Path:
    return lake.root / "raw" / "nights" / f"{run_key}.json"


def _keep(lake: Lake, night: Night) -> None:
    """Record an opened night under its run_key; the chain from the pointer says if it counts."""
    entry = {
        **asdict(night),
        "business_date": night.business_date.isoformat(),
        "previous_date": night.previous_date.isoformat() if night.previous_date else None,
    }
    document = json.dumps(entry, indent=2, sort_keys=True) + "\n"
    write_bytes(_night_path(lake, night.run_key), document.encode())


def _recorded(lake: Lake, run_key: str | None) -> Night | None:
    """The opened night of a run_key, None for None; Problem if its record is lost."""
    if run_key is None:
        return None
    path = _night_path(lake, run_key)
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        entry["business_date"] = date.fromisoformat(entry["business_date"])
        if entry["previous_date"] is not None:
            entry["previous_date"] = date.fromisoformat(entry["previous_date"])
        return Night(**entry)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(
            f"the record of a published night is lost: {path}; restore it, "
            "or rebuild into an empty lake"
        ) from error


def _landed(folders: Mapping[str, Path]) -> Iterator[str]:
    """A line for every landing file of the night: source, name, digest."""
    for name, folder in sorted(folders.items()):
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_file() and not any(part.startswith(".") for part in relative.parts):
                yield f"{name} {relative.as_posix()} {_file_digest(path)}"


def _sizes(folders: Iterable[Path]) -> Iterator[int]:
    """Bytes of every file in some folders."""
    for folder in folders:
        yield from (path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _decided(lake: Lake, sources: Sequence[Source], business_date: date) -> Iterator[str]:
    """A line for every decision that tonight knows of: on refused rows, who is who, tiers, months
    that were reopened, payments.
    """
    for source in sources:
        for decision in read_decisions(lake, source.name):
            if decision.effective_from <= business_date:
                said = asdict(decision) | {"wrapped_key": ""}  # which key wraps it says nothing
                yield json.dumps(said, sort_keys=True, default=str)
    for who in read_identity_decisions(lake):
        if who.effective_from <= business_date:
            yield json.dumps(decision_record(who), sort_keys=True)
    for lock in read_tier_decisions(lake):
        if lock.effective_from <= business_date:
            yield json.dumps(asdict(lock), sort_keys=True, default=str)
    for restatement in read_restatements(lake, business_date):
        yield json.dumps(asdict(restatement), sort_keys=True, default=str)
    for payment in payments_known(lake, business_date):
        yield json.dumps(payment, sort_keys=True, default=str)


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
