"""Extract contracts: what each business hands over, read from dbt's own `_<source>__sources.yml`.

dbt and ingest read the same file, so no second description can disagree with it. A contract is
checked as a whole before any file of its source is opened.
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from ingest.core.errors import Problem, one_line

FORMATS = ("csv", "jsonl", "parquet")
DATA_TYPES = ("varchar", "bigint", "date", "timestamp", "boolean")
UNITS = ("yuan", "fen")
IDENTIFIER_CLASSES = (
    "mobile",
    "id_document",
    "unionid",
    "openid",
    "email",
    "plate",
    "card_number",
)
SOFT_CLASSES = ("name", "birth_date", "address")
PERSONAL_CLASSES = IDENTIFIER_CLASSES + SOFT_CLASSES
SINGLE_CLASSES = ("mobile", "name", "birth_date", "address")  # their raw columns carry fixed names
SOURCE_META = {"business", "time_zone", "day_cut_off", "control"}
TABLE_META = {"file", "format", "encoding", "key", "account", "control_total", "business_date"}
COLUMN_META = {"header", "required", "allowed", "min", "max", "unit", "personal"}
NAME = re.compile(r"[a-z][a-z0-9_]*")
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True)
class Column:
    """One column: its type in the lake, its header in the file and what its values may be.

    `allowed` maps file value to stored value. `unit` is that of the file; the lake always holds
    fen.
    """

    name: str
    data_type: str
    header: str
    required: bool = False
    allowed: Mapping[str, str] | None = None
    minimum: int | None = None
    maximum: int | None = None
    unit: str | None = None
    personal: str | None = None


@dataclass(frozen=True)
class Table:
    """One table: one file a delivery. `business_date_from` names a date or timestamp column."""

    name: str
    file: str
    format: str
    encoding: str | None
    key: tuple[str, ...]
    account: str | None
    control_total: str | None
    business_date_from: str | None
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def file_name(self, business_date: date) -> str:
        """Name of the table's file in the delivery of one business date."""
        return dated(self.file, business_date)


@dataclass(frozen=True)
class Control:
    """The control file: rows and totals that the source says it handed over."""

    file: str
    format: str
    encoding: str
    columns: Mapping[str, str]

    def file_name(self, business_date: date) -> str:
        """Name of the control file in the delivery of one business date."""
        return dated(self.file, business_date)


@dataclass(frozen=True)
class Source:
    """One system of one business and all tables that it hands over."""

    name: str
    business: str
    time_zone: str
    day_cut_off: time
    control: Control
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table:
        """The table of that name; KeyError if the contract has none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)


def dated(pattern: str, business_date: date) -> str:
    """File name of one business date from a pattern with {yyyymmdd}."""
    return pattern.replace("{yyyymmdd}", business_date.strftime("%Y%m%d"))


def source_names(dbt_project: Path) -> list[str]:
    """Names of all sources: the folders under models/staging that hold a contract, sorted."""
    staging = dbt_project / "models" / "staging"
    return sorted(path.parent.name for path in staging.glob("*/_*__sources.yml"))


def business_names(dbt_project: Path) -> list[str] | None:
    """Businesses of the group as dbt_project.yml lists them; None if there is no such file."""
    path = dbt_project / "dbt_project.yml"
    if not path.exists():
        return None
    names = (_read_yaml(path).get("vars") or {}).get("businesses")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Problem(f"{path}: vars.businesses must list the businesses of the group")
    return names


def load_source(dbt_project: Path, name: str) -> Source:
    """Read and check the contract of one source.

    Raises Problem that names the file and the table or column at fault.
    """
    path = dbt_project / "models" / "staging" / name / f"_{name}__sources.yml"
    if not path.is_file():
        known = ", ".join(source_names(dbt_project)) or "none"
        raise Problem(f"no contract for source '{name}': {path} is missing (sources: {known})")
    sources = [
        entry for entry in _read_yaml(path).get("sources") or [] if entry.get("name") == name
    ]
    if len(sources) != 1:
        raise Problem(f"{path}: must describe source '{name}' once, not {len(sources)} times")
    return _Reader(path).source(sources[0])


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise Problem(f"{path}{line}: not valid YAML: {one_line(error)}") from error
    if not isinstance(document, dict):
        raise Problem(f"{path}: must be a mapping")
    return document


def meta_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """`meta` of an entry, wherever dbt lets one write it."""
    return {**((entry.get("config") or {}).get("meta") or {}), **(entry.get("meta") or {})}


class _Reader:
    """Turns the YAML of one contract into dataclasses; every complaint says where it is."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def problem(self, where: str, reason: str) -> Problem:
        return Problem(f"{self.path}: {where}: {reason}")

    def known(self, where: str, meta: Mapping[str, Any], names: set[str]) -> None:
        for name in sorted(set(meta) - names):
            expected = ", ".join(sorted(names))
            raise self.problem(where, f"unknown meta '{name}' (known: {expected})")

    def text(self, where: str, meta: Mapping[str, Any], name: str) -> str:
        value = meta.get(name)
        if not isinstance(value, str) or not value:
            raise self.problem(where, f"'{name}' must be a text")
        return value

    def choice(
        self, where: str, meta: Mapping[str, Any], name: str, choices: Sequence[str]
    ) -> str | None:
        value = meta.get(name)
        if value is not None and value not in choices:
            raise self.problem(where, f"unknown {name} '{value}' (known: {', '.join(choices)})")
        return value

    def encoding(self, where: str, meta: Mapping[str, Any]) -> str:
        value = self.text(where, meta, "encoding")
        try:
            codecs.lookup(value)
        except LookupError:
            raise self.problem(where, f"unknown encoding '{value}'") from None
        return value

    def file(self, where: str, meta: Mapping[str, Any]) -> str:
        value = self.text(where, meta, "file")
        if "{yyyymmdd}" not in value or Path(value).name != value:
            raise self.problem(where, f"file '{value}' must be a plain name with {{yyyymmdd}}")
        return value

    def source(self, entry: Mapping[str, Any]) -> Source:
        name = entry["name"]
        where, meta = f"source {name}", meta_of(entry)
        self.known(where, meta, SOURCE_META)
        if not NAME.fullmatch(name) or name == "keys":
            raise self.problem(where, "a source name is lower-case letters, and not 'keys'")
        zone = self.text(where, meta, "time_zone")
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise self.problem(where, f"unknown time zone '{zone}'") from None
        clock = self.text(where, meta, "day_cut_off")
        if not CLOCK.fullmatch(clock):
            raise self.problem(where, f"day_cut_off '{clock}' must be HH:MM")
        tables = tuple(self.table(name, table) for table in entry.get("tables") or [])
        if not tables:
            raise self.problem(where, "has no tables")
        control = self.control(where, meta)
        self.unique(where, "table", [table.name for table in tables])
        self.unique(where, "file", [control.file, *(table.file for table in tables)])
        return Source(
            name=name,
            business=self.text(where, meta, "business"),
            time_zone=zone,
            day_cut_off=time.fromisoformat(clock),
            control=control,
            tables=tables,
        )

    def unique(self, where: str, kind: str, names: Sequence[str]) -> None:
        for name in sorted({name for name in names if names.count(name) > 1}):
            raise self.problem(where, f"{kind} '{name}' is described twice")

    def control(self, where: str, meta: Mapping[str, Any]) -> Control:
        control = meta.get("control")
        if not isinstance(control, dict):
            raise self.problem(where, "has no control file; without counts a cut file goes unseen")
        where = f"{where}, control"
        self.known(where, control, {"file", "format", "encoding", "columns"})
        file = self.file(where, control)
        if self.choice(where, control, "format", ("csv", "json")) is None:
            raise self.problem(where, "'format' is missing")
        if control["format"] == "json":
            return Control(file, "json", control.get("encoding", "utf-8"), MappingProxyType({}))
        columns = control.get("columns")
        if not isinstance(columns, dict) or set(columns) != {"file", "rows", "total"}:
            raise self.problem(where, "columns must name the headers of file, rows and total")
        return Control(file, "csv", self.encoding(where, control), MappingProxyType(columns))

    def table(self, source: str, entry: Mapping[str, Any]) -> Table:
        name = str(entry.get("name"))
        where, meta = f"table {source}.{name}", meta_of(entry)
        self.known(where, meta, TABLE_META)
        if not NAME.fullmatch(name):
            raise self.problem(where, "a table name is lower-case letters, digits and _")
        file = self.file(where, meta)
        kind = self.choice(where, meta, "format", FORMATS)
        if kind is None:
            raise self.problem(where, "'format' is missing")
        columns = tuple(self.column(where, column) for column in entry.get("columns") or [])
        self.unique(where, "column", [column.name for column in columns])
        self.unique(where, "header", [column.header for column in columns])
        key = meta.get("key")
        if not isinstance(key, list) or not key:
            raise self.problem(where, "'key' must list the columns that tell rows apart")
        business_date = meta.get("business_date") or {}
        self.known(f"{where}, business_date", business_date, {"from"})
        table = Table(
            name=name,
            file=file,
            format=kind,
            encoding=None if kind == "parquet" else self.encoding(where, meta),
            key=tuple(key),
            account=meta.get("account"),
            control_total=meta.get("control_total"),
            business_date_from=business_date.get("from"),
            columns=columns,
        )
        self.check_roles(where, table)
        return table

    def check_roles(self, where: str, table: Table) -> None:
        """The columns that a table's meta names must exist and be fit for their role."""
        columns = {column.name: column for column in table.columns}
        roles: list[tuple[str, str | None]] = [("key", name) for name in table.key]
        roles += [("account", table.account), ("business_date", table.business_date_from)]
        for role, name in [*roles, ("control_total", table.control_total)]:
            if name is None:
                continue
            if name not in columns:
                raise self.problem(where, f"{role} '{name}' is not a column")
            if columns[name].personal:
                raise self.problem(where, f"{role} '{name}' must not be personal data")
            if role != "control_total" and not columns[name].required:
                raise self.problem(where, f"{role} '{name}' must be a required column")
        self.check_kinds(where, table, columns)

    def check_kinds(self, where: str, table: Table, columns: Mapping[str, Column]) -> None:
        """Columns with a role must hold what the role needs."""
        if table.account is not None and table.key != (table.account,):
            raise self.problem(where, f"the key must be the account '{table.account}' alone")
        if table.control_total is not None and columns[table.control_total].unit is None:
            raise self.problem(where, f"control_total '{table.control_total}' must be an amount")
        source = table.business_date_from
        if source is not None and columns[source].data_type not in ("date", "timestamp"):
            raise self.problem(where, f"business_date from '{source}' must be a date or timestamp")
        if source is not None and "business_date" in columns:
            raise self.problem(where, "'business_date' is both a column and derived")
        for personal in SINGLE_CLASSES:
            if sum(column.personal == personal for column in table.columns) > 1:
                raise self.problem(where, f"has two columns of personal class '{personal}'")

    def column(self, table: str, entry: Mapping[str, Any]) -> Column:
        name = str(entry.get("name"))
        where, meta = f"{table}, column {name}", meta_of(entry)
        self.known(where, meta, COLUMN_META)
        if not NAME.fullmatch(name) or name == "load_date":
            raise self.problem(where, "a column name is lower-case letters, and not 'load_date'")
        data_type = self.choice(where, entry, "data_type", DATA_TYPES)
        if data_type is None:
            raise self.problem(where, "'data_type' is missing")
        for flag in ("min", "max"):
            if type(meta.get(flag, 0)) is not int or (flag in meta and data_type != "bigint"):
                raise self.problem(where, f"'{flag}' must be a whole number on a bigint column")
        if type(meta.get("required", False)) is not bool:
            raise self.problem(where, "'required' must be true or false")
        unit = self.choice(where, meta, "unit", UNITS)
        if (unit is not None) != name.endswith("_fen") or (unit and data_type != "bigint"):
            raise self.problem(where, "amounts, and only they, are bigint, named _fen, with a unit")
        return Column(
            name=name,
            data_type=data_type,
            header=str(meta.get("header", name)),
            required=meta.get("required", False),
            allowed=self.allowed(where, data_type, meta),
            minimum=meta.get("min"),
            maximum=meta.get("max"),
            unit=unit,
            personal=self.personal(where, data_type, meta),
        )

    def allowed(
        self, where: str, data_type: str, meta: Mapping[str, Any]
    ) -> Mapping[str, str] | None:
        allowed = meta.get("allowed")
        if allowed is None:
            return None
        if not isinstance(allowed, dict) or not allowed or data_type != "varchar":
            raise self.problem(where, "'allowed' must map file to stored values of a varchar")
        for pair in allowed.items():
            if not all(isinstance(text, str) for text in pair):
                raise self.problem(where, f"'allowed' values must be texts; quote {pair[0]!r}")
        return MappingProxyType(allowed)

    def personal(self, where: str, data_type: str, meta: Mapping[str, Any]) -> str | None:
        personal = meta.get("personal")
        if personal is not None and personal not in PERSONAL_CLASSES:
            known = ", ".join(PERSONAL_CLASSES)
            raise self.problem(where, f"unknown personal class '{personal}' (known: {known})")
        expected = "date" if personal == "birth_date" else "varchar"
        if personal is not None and data_type != expected:
            raise self.problem(where, f"personal class '{personal}' belongs on a {expected} column")
        return personal
