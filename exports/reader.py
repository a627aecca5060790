"""What exports read: the contracts of the marts, the night being built, the current publication.

A mart is published if and only if it is a model in `dbt_project/models/marts`; its YAML is its
contract.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import yaml

from ingest.core.errors import Problem, one_line
from ingest.core.lake import Lake
from ingest.core.pointer import latest_version
from ingest.core.settings import Settings

MARTS_DATABASE = "marts.duckdb"
MANIFEST = "manifest.json"
WORK_CATALOG = "onemember"  # dbt writes this name into the views of the working database
STORAGE = "v1.3.0"  # the oldest DuckDB that reads what is published; text of it is cheaper to write

# The types that a mart may hold (ARCHITECTURE, "Names"): in the contract, in DuckDB.
TYPES = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
}


@dataclass(frozen=True)
class Column:
    """One column of a mart; `data_type` as DuckDB spells it."""

    name: str
    data_type: str
    description: str


@dataclass(frozen=True)
class Mart:
    """The contract of one published table; no two rows agree on the columns of `grain`. Rows that
    agree on `clustered_by` lie together, so that who asks for some of them reads little else.
    """

    name: str
    description: str
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    clustered_by: tuple[str, ...] = ()

    @property
    def column_list(self) -> str:
        """SQL list of the columns in contract order."""
        return ", ".join(sql_name(column.name) for column in self.columns)

    @property
    def order_list(self) -> str:
        """SQL list that puts the rows in their one order: clusters, then the grain, NULL last."""
        names = (*self.clustered_by, *self.grain)
        return ", ".join(f"{sql_name(name)} asc nulls last" for name in names)


@dataclass(frozen=True)
class Tonight:
    """The night being built, as `ingest open` wrote it. Keys are hexadecimal digests; None where
    not given.
    """

    business_date: date
    previous_date: date | None
    run_key: str
    previous_run_key: str | None
    input_key: str | None
    code_version: str | None
    rules_version: str | None

    @property
    def version(self) -> str:
        """Name of the publication that this night makes."""
        return version_name(self.business_date, self.run_key)

    @property
    def previous_version(self) -> str | None:
        """Name of the publication that this night follows; None on the first night."""
        if self.previous_date is None or self.previous_run_key is None:
            return None
        return version_name(self.previous_date, self.previous_run_key)


@dataclass(frozen=True)
class Publication:
    """One closed version. Its folder never changes, so all that is read through it belongs
    together.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Name of the version, which is the name of its folder."""
        return str(self.manifest["version"])

    @property
    def business_date(self) -> date:
        """Last business date that the version holds."""
        return date.fromisoformat(self.manifest["business_date"])

    @property
    def run_key(self) -> str:
        """Digest of everything that the version was made from."""
        return str(self.manifest["run_key"])

    @property
    def row_counts(self) -> dict[str, int]:
        """Rows of each mart."""
        return {mart["name"]: int(mart["rows"]) for mart in self.manifest["marts"]}

    @property
    def database(self) -> Path:
        """The marts as one closed DuckDB file."""
        return self.folder / MARTS_DATABASE

    def connect(self, memory_limit: str = "2GB") -> duckdb.DuckDBPyConnection:
        """Open the marts for reading; Problem if the file cannot be opened."""
        try:
            return duckdb.connect(
                str(self.database), read_only=True, config={"memory_limit": memory_limit}
            )
        except duckdb.Error as error:
            raise Problem(f"cannot open {self.database}: {one_line(error)}") from error


def sql_name(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def sql_text(value: str | Path) -> str:
    """A text as an SQL literal, for statements that take no parameters."""
    return "'" + str(value).replace("'", "''") + "'"


def read_rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Rows of a query, each by the names of its columns."""
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def version_name(business_date: date, run_key: str) -> str:
    """Name of the publication of a night."""
    return f"{business_date.isoformat()}-{run_key[:12]}"


def read_marts(dbt_project: Path) -> tuple[Mart, ...]:
    """The contract of every mart, by name; Problem if a model lacks one or a contract is not
    complete.
    """
    folder = dbt_project / "models" / "marts"
    marts: dict[str, Mart] = {}
    for path in sorted(folder.rglob("*.yml")):
        for entry in _read_yaml(path).get("models") or []:
            mart = _mart(path, entry)
            if mart.name in marts:
                raise Problem(f"{path} describes {mart.name} a second time; keep one description")
            marts[mart.name] = mart
    models = {path.stem for path in folder.rglob("*.sql")}
    if not models:
        raise Problem(f"no marts in {folder}; the dbt project must be there")
    if undescribed := sorted(models - set(marts)):
        raise Problem(
            f"{undescribed[0]} in {folder} has no contract; add {undescribed[0]}.yml beside it"
        )
    if unbuilt := sorted(set(marts) - models):
        raise Problem(
            f"{unbuilt[0]} in {folder} has a contract but no model; add its SQL or remove it"
        )
    return tuple(marts[name] for name in sorted(marts))


def read_tonight(lake: Lake, business_date: date) -> Tonight:
    """The night that is open; Problem if none is, or another date's."""
    try:
        row = pq.read_table(lake.tonight).to_pylist()[0]
        tonight = Tonight(
            business_date=row["business_date"],
            previous_date=row["previous_date"],
            run_key=row["run_key"],
            previous_run_key=row["previous_run_key"],
            input_key=row.get("input_key"),
            code_version=row.get("code_version"),
            rules_version=row.get("rules_version"),
        )
    except FileNotFoundError as error:
        raise Problem(
            f"no night is open in {lake.root}; "
            f"run python -m ingest open --date {business_date} and the steps after it"
        ) from error
    except (OSError, KeyError, IndexError) as error:
        raise Problem(
            f"cannot read {lake.tonight}: {one_line(error)}; open the night again"
        ) from error
    if tonight.business_date != business_date:
        raise Problem(
            f"the open night is {tonight.business_date}, not {business_date}; "
            f"run python -m ingest open --date {business_date} and the steps after it"
        )
    return tonight


def work_database(lake: Lake) -> Path:
    """The private working database of the night."""
    return lake.work / f"{WORK_CATALOG}.duckdb"


def engine_options(
    lake: Lake, memory_limit: str
) -> dict[str, str | bool | int | float | list[str]]:
    """DuckDB settings of a step: how much memory it may take, where it spills beyond that, and how
    it writes a database.
    """
    return {
        "memory_limit": memory_limit,
        "temp_directory": str(lake.work / "spill"),
        "storage_compatibility_version": STORAGE,
    }


def open_work(lake: Lake, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Open the working database for reading; Problem if it is missing or somebody holds it."""
    path = work_database(lake)
    if not path.exists():
        raise Problem(f"{path} is missing; run the steps of the night up to build")
    try:
        return duckdb.connect(str(path), read_only=True, config=engine_options(lake, memory_limit))
    except duckdb.Error as error:
        raise Problem(f"cannot open {path}: {one_line(error)}") from error


def read_publication(folder: Path) -> Publication:
    """The version in a folder; Problem if it has no readable manifest."""
    path = folder / MANIFEST
    try:
        return Publication(folder, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise Problem(f"cannot read {path}: {one_line(error)}") from error


def current_publication(lake: Lake) -> Publication | None:
    """The version that `published/current` points at; None before the first night was published.

    The pointer is followed once: what is read afterwards comes from one folder even if it moves on
    meanwhile.
    """
    pointer = lake.published / "current"
    return read_publication(pointer.resolve()) if pointer.is_symlink() else None


def latest_publication(lake: Lake) -> Publication | None:
    """The last version, also while readers see an earlier one; None before the first night."""
    version = latest_version(lake.root)
    return read_publication(lake.published / version) if version else None


def require_publication(lake: Lake) -> Publication:
    """The current version; Problem if nothing was published yet."""
    publication = current_publication(lake)
    if publication is None:
        raise Problem(f"nothing was published in {lake.published} yet; run a night first")
    return publication


@contextmanager
def open_publication(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of the current version, closed afterwards; Problem if nothing was published yet."""
    with require_publication(Lake(settings.lake)).connect(settings.memory_limit) as connection:
        yield connection


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise Problem(f"cannot read {path}: {one_line(error)}") from error
    return content if isinstance(content, dict) else {}


def _mart(path: Path, entry: Mapping[str, Any]) -> Mart:
    columns = tuple(_column(path, entry["name"], column) for column in entry.get("columns") or [])
    meta = entry.get("config", {}).get("meta", {})
    grain, clustered_by = (tuple(meta.get(key) or []) for key in ("grain", "clustered_by"))
    if not grain or {*grain, *clustered_by} - {column.name for column in columns}:
        raise Problem(
            f"{path}: {entry['name']} needs config.meta.grain, "
            "the columns on which no two of its rows agree"
        )
    description = one_line(entry.get("description", ""))
    return Mart(entry["name"], description, grain, columns, clustered_by)


def _column(path: Path, mart: str, entry: Mapping[str, Any]) -> Column:
    data_type = str(entry.get("data_type", "")).lower()
    if data_type not in TYPES:
        raise Problem(
            f"{path}: {mart}.{entry['name']} has the type {data_type or 'none'}; "
            f"use one of {', '.join(TYPES)}"
        )
    return Column(entry["name"], TYPES[data_type], one_line(entry.get("description", "")))
