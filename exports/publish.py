"""Publish a verified night: one closed version of all marts, the night's postings, then one
pointer.

The order makes a kill at any moment harmless. The version is built under a temporary name; postings
replace the night's own partitions, which count only once a publication names the night; the pointer
moves last. Running the step again starts from the beginning and makes the same rows.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from exports.adjustments import write_adjustments
from exports.as_of import write_as_of
from exports.digest import Digest, combined_digest, table_digest
from exports.explain.views import write_explanations
from exports.nights import write_nights
from exports.reader import (
    MANIFEST,
    MARTS_DATABASE,
    WORK_CATALOG,
    Mart,
    Publication,
    Tonight,
    engine_options,
    latest_publication,
    read_marts,
    read_publication,
    read_tonight,
    sql_name,
    sql_text,
    work_database,
)
from exports.verify import read_verification
from exports.writer import (
    TEMPORARY,
    filling,
    move_pointer,
    put_folder,
    remove_folder,
    write_json,
    writing,
)
from ingest.core.errors import Problem
from ingest.core.lake import DATA_DOCS, Lake, partition_dates, remove, write_bytes, write_with
from ingest.core.settings import Settings

KEPT_VERSIONS = 7
EMPTY_PARTITION = date(
    1970, 1, 1
)  # holds the column types of a posted table before the first night
BATCH_ROWS = 50_000
ROW_GROUP_ROWS = 262_144
# Level 1 takes a fifth less time than the default and, on ids, less space.
PARQUET = f"format parquet, compression zstd, compression_level 1, row_group_size {ROW_GROUP_ROWS}"

# Posted table: (table of the working database, columns that identify a row).
POSTINGS = {
    "activities": ("int_activity_postings", ("source", "account_id", "activity_id")),
    "missions": ("int_mission_postings", ("mission_id",)),
    "points_entries": ("int_points_postings", ("entry_id",)),
    "rating_outcomes": ("int_rating_postings", ("activity_id", "rule")),
    "row_outcomes": (
        "int_outcome_postings",
        ("source", "table_name", "source_file", "outcome"),
    ),
    "settlement_lines": ("int_line_postings", ("line_id",)),
    "tier_changes": ("int_tier_postings", ("change_id",)),
    "tier_evidence": ("int_tier_evidence_postings", ("evidence_id",)),
}
LINKS = "member_links"  # posted from what identity resolution changed tonight


@dataclass(frozen=True)
class Published:
    """What a publish step did; `is_new` is False if the night was published before."""

    publication: Publication
    is_new: bool


def publish_night(settings: Settings, business_date: date) -> Published:
    """Publish the open night.

    Problem if it is not the night of `business_date`, was not verified, or another night was
    published since it was opened. Nothing that readers see has changed then.
    """
    lake = Lake(settings.lake)
    tonight = read_tonight(lake, business_date)
    current = latest_publication(lake)
    if current is not None and current.run_key == tonight.run_key:
        return Published(current, is_new=False)
    verified_rows = read_verification(lake, tonight)
    _check_order(tonight, current)
    _check_postings(lake, tonight)

    folder = lake.published / tonight.version
    with filling(folder) as temporary:
        digests = _write_marts(settings, tonight, temporary)
        _check_rows(tonight, digests, verified_rows)
        posted_rows = _write_postings(settings, tonight)
        _copy_docs(lake, temporary)
        write_json(temporary / MANIFEST, _manifest(tonight, digests, posted_rows))
        _put_version(temporary, folder)
    write_bytes(lake.to_export, f"{tonight.version}\n".encode())
    move_pointer(lake.published / "current", tonight.version)

    kept = {tonight.version, tonight.previous_version, current.version if current else None}
    _remove_old_versions(lake.published, {name for name in kept if name})
    return Published(read_publication(folder), is_new=True)


def _check_order(tonight: Tonight, current: Publication | None) -> None:
    """Problem unless the night follows the current publication, or replaces it as the latest."""
    followed = current.run_key if current else None
    if current and current.business_date == tonight.business_date:
        followed = current.manifest["previous_run_key"]
    if tonight.previous_run_key != followed:
        raise Problem(
            f"the night {tonight.business_date} was opened after "
            f"{tonight.previous_version or 'nothing'}, but "
            f"{current.version if current else 'nothing'} is published now; "
            f"run it again from python -m ingest open --date {tonight.business_date}"
        )


def _check_postings(lake: Lake, tonight: Tonight) -> None:
    """Problem if tonight has counted the postings of an earlier night that was not published."""
    last_date = tonight.previous_date or EMPTY_PARTITION
    for table in (*POSTINGS, LINKS):
        folder = lake.posted(table, tonight.business_date).parent.parent
        for posted_date in partition_dates(folder, "posted_date"):
            if last_date < posted_date < tonight.business_date:
                raise Problem(
                    f"{lake.posted(table, posted_date).parent} is of a night that was not "
                    f"published; run {posted_date}, or remove that folder; then run "
                    f"{tonight.business_date} again"
                )


def _check_rows(
    tonight: Tonight, digests: dict[str, Digest], verified_rows: dict[str, int]
) -> None:
    """Problem unless the marts are those that were verified."""
    rows = {name: digest.rows for name, digest in digests.items()}
    if differing := sorted(
        name for name in rows.keys() | verified_rows if rows.get(name) != verified_rows.get(name)
    ):
        raise Problem(
            f"{differing[0]} is not as it was verified; "
            f"run python -m exports verify --date {tonight.business_date} again"
        )


def _write_marts(settings: Settings, tonight: Tonight, folder: Path) -> dict[str, Digest]:
    """Fill a folder with every mart as Parquet and all of them as one closed DuckDB file."""
    marts = read_marts(settings.dbt_project)
    lake = Lake(settings.lake)
    digests: dict[str, Digest] = {}

    def build(path: Path) -> None:
        with duckdb.connect(
            str(path), config=engine_options(lake, settings.memory_limit)
        ) as database:
            _attach_work(database, lake)
            for mart in marts:
                digests[mart.name] = _write_mart(database, mart, folder)
            write_as_of(database)
            write_explanations(database)
            write_adjustments(database)
            _write_meta(database, tonight, marts, digests)
            write_nights(database, lake, tonight)
            database.execute(f"detach {WORK_CATALOG}")

    with writing(folder / MARTS_DATABASE):
        write_with(folder / MARTS_DATABASE, build)
    return digests


def _attach_work(database: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Open the working database for reading, under the name by which its views know it."""
    path = work_database(lake)
    if not path.exists():
        raise Problem(f"{path} is missing; run the steps of the night up to verify")
    database.execute(f"attach {sql_text(path)} as {WORK_CATALOG} (read_only)")


def _write_mart(database: duckdb.DuckDBPyConnection, mart: Mart, folder: Path) -> Digest:
    """Copy one mart in its order, describe it, write it as Parquet, digest what was copied."""
    table = sql_name(mart.name)
    database.begin()  # one commit a mart: each one waits for the disk
    database.execute(
        f"create table {table} as select {mart.column_list} "
        f"from {WORK_CATALOG}.main.{table} order by {mart.order_list}"
    )
    database.execute(f"comment on table {table} is {sql_text(mart.description)}")
    for column in mart.columns:
        database.execute(
            f"comment on column {table}.{sql_name(column.name)} is {sql_text(column.description)}"
        )
    database.commit()
    _copy_to_parquet(database, f"from {table}", folder / f"{mart.name}.parquet")
    rows = database.execute(f"from {table}").to_arrow_reader(BATCH_ROWS)
    return table_digest(rows.schema, rows)


def _copy_to_parquet(database: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write the rows of a query, in its order, to a Parquet file."""

    def copy(temporary: Path) -> None:
        database.execute(f"copy ({query}) to {sql_text(temporary)} ({PARQUET})")

    write_with(path, copy)


def _write_meta(
    database: duckdb.DuckDBPyConnection,
    tonight: Tonight,
    marts: tuple[Mart, ...],
    digests: dict[str, Digest],
) -> None:
    """Write `_meta`: one row a mart, with the version, the night and the digest."""
    database.begin()
    database.execute(
        "create table _meta (version varchar, business_date date, run_key varchar, mart varchar, "
        "description varchar, row_count bigint, digest varchar)"
    )
    database.execute(
        "comment on table _meta is '发布信息 what this version holds, one row a mart.'"
    )
    database.executemany(
        "insert into _meta values (?, ?, ?, ?, ?, ?, ?)",
        [
            [
                tonight.version,
                tonight.business_date,
                tonight.run_key,
                mart.name,
                mart.description,
                digests[mart.name].rows,
                digests[mart.name].sha256,
            ]
            for mart in marts
        ],
    )
    database.commit()


def _write_postings(settings: Settings, tonight: Tonight) -> dict[str, int]:
    """Replace tonight's partition of every posted table; returns the rows of each."""
    lake = Lake(settings.lake)
    links = lake.raw("identity", "link_changes", tonight.business_date)
    if not links.exists():
        raise Problem(f"{links} is missing; run python -m identity_resolution resolve first")
    rows: dict[str, int] = {}
    with (
        writing(lake.root / "posted"),
        duckdb.connect(config=engine_options(lake, settings.memory_limit)) as database,
    ):
        _attach_work(database, lake)
        for table, (relation, key) in POSTINGS.items():
            rows[table] = _write_partition(
                database,
                f"{WORK_CATALOG}.main.{relation}",
                key,
                lake.posted(table, tonight.business_date),
            )
        rows[LINKS] = _write_partition(
            database,
            f"read_parquet({sql_text(links)}, hive_partitioning = false)",
            ("source", "account_id"),
            lake.posted(LINKS, tonight.business_date),
        )
    return rows


def _write_partition(
    database: duckdb.DuckDBPyConnection, relation: str, key: tuple[str, ...], path: Path
) -> int:
    """Write one posted partition, whose date is its folder's name; returns its rows."""
    order = ", ".join(key)
    rows = f"select columns(c -> c <> 'posted_date') from {relation} order by {order}"
    _copy_to_parquet(database, rows, path)
    counted = database.execute(f"select count(*) from read_parquet({sql_text(path)})").fetchone()
    assert counted is not None, "an aggregate without groups returns one row"
    return int(counted[0])


def _copy_docs(lake: Lake, folder: Path) -> None:
    """Keep what was found at the gate and before publishing beside the marts, outside the digest:
    `work/` does not outlive the night, and exporting again needs it.
    """
    for path in sorted((lake.work / DATA_DOCS).glob("*/*.html")):
        write_bytes(folder / path.relative_to(lake.work), path.read_bytes())


def _manifest(
    tonight: Tonight, digests: dict[str, Digest], posted_rows: dict[str, int]
) -> dict[str, Any]:
    """What manifest.json says about the version."""
    return {
        "version": tonight.version,
        "business_date": tonight.business_date,
        "run_key": tonight.run_key,
        "input_key": tonight.input_key,
        "code_version": tonight.code_version,
        "previous_version": tonight.previous_version,
        "previous_date": tonight.previous_date,
        "previous_run_key": tonight.previous_run_key,
        "digest": combined_digest(digests.items()),
        "marts": [
            {"name": name, "rows": digest.rows, "digest": digest.sha256}
            for name, digest in sorted(digests.items())
        ],
        "posted": [{"name": name, "rows": rows} for name, rows in sorted(posted_rows.items())],
    }


def _put_version(temporary: Path, folder: Path) -> None:
    """Give the version its name. One of that name is there if the step was killed before the
    pointer moved, or if a replaced night comes back; it holds the same rows then, and people may be
    reading it.
    """
    if not folder.exists():
        put_folder(temporary, folder)
        return
    before, now = read_publication(folder).manifest, read_publication(temporary).manifest
    if before["digest"] != now["digest"]:
        raise Problem(
            f"{folder} holds other rows under the same run_key; nothing was published; "
            f"find out why, then remove {folder} and publish again"
        )
    remove(temporary)


def _remove_old_versions(published: Path, kept: set[str]) -> None:
    """Keep the last versions and those in `kept`, which people may still be reading."""
    names = sorted(
        path.name for path in published.iterdir() if path.is_dir() and not path.is_symlink()
    )
    for name in names:
        if name.endswith(TEMPORARY):
            remove(published / name)
    versions = [name for name in names if not name.endswith(TEMPORARY)]
    for name in versions[:-KEPT_VERSIONS]:
        if name not in kept:
            remove_folder(published / name)
