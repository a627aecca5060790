"""Extract contracts: what each business hands over, read from dbt's own `_<source>__sources.yml`.

dbt and ingest read the same file, so no second description can disagree with it. A contract is
checked as a whole before any file of its source is opened; `dbt_project/contract.schema.json` lets
an editor check it while it is written.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import Field

from ingest.core.contract_file import (
    STAMP,
    TEXT_FORMATS,
    ColumnEntry,
    ContractFile,
    ControlMeta,
    Described,
    SourceEntry,
    TableEntry,
)
from ingest.core.documents import Document, Where, read_document
from ingest.core.errors import Problem

SINGLE_CLASSES = ("mobile", "name", "birth_date", "address")  # their raw columns carry fixed names


@dataclass(frozen=True)
class Column:
    """One column: its type in the lake, its header in the file and what its values may be.

    `allowed` maps file value to stored value. `unit` is that of the file; the lake always holds
    fen. `excel_serial`: days may be numbered as Excel does. `floating`: the file holds binary
    floating point. A column that is an `ordinal_within` or a `product_of` others is in no file.
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
    aliases: tuple[str, ...] = ()
    excel_serial: bool = False
    floating: bool = False
    ordinal_within: tuple[str, ...] = ()
    product_of: tuple[str, ...] = ()

    @property
    def is_derived(self) -> bool:
        """Whether the file does not hold it, but what it follows from."""
        return bool(self.ordinal_within or self.product_of)

    @property
    def headers(self) -> tuple[str, ...]:
        """What the file may call it, the usual header first."""
        return (self.header, *self.aliases)


@dataclass(frozen=True)
class Trailer:
    """The summary in the last two lines of a file, its headers and its values.

    `rows` heads the number of rows; `sums` holds, by amount column, the header of its sum.
    """

    rows: str
    sums: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """One table: a file of each delivery. `business_date_from` names a date or timestamp column.

    `mode` says what another row under a known key means: in `append` a contradiction, unless it
    comes as a correction; in `upsert` the newer state of the thing.
    `value_prefix` is a sign that the system writes before each value, lest Excel change it.
    `trailer` is there if the table's files say at their end what they hold.
    `optional`: a first delivery may leave the table out.
    """

    name: str
    file: str
    format: str
    encoding: str | None
    delimiter: str
    sheet: str | None
    mode: str
    key: tuple[str, ...]
    account: str | None
    control_total: str | None
    business_date_from: str | None
    min_rows: int
    max_rows: int | None
    columns: tuple[Column, ...]
    value_prefix: str | None = None
    trailer: Trailer | None = None
    optional: bool = False

    @property
    def totals(self) -> tuple[str, ...]:
        """The amount columns whose sums the sender says, the control total first."""
        stated = tuple(self.trailer.sums) if self.trailer else (self.control_total,)
        return tuple(name for name in stated if name is not None)

    @property
    def file_columns(self) -> tuple[Column, ...]:
        """The columns that its files hold."""
        return tuple(column for column in self.columns if not column.is_derived)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def file_name(self, business_date: date, suffix: str = "") -> str:
        """Name of the table's file in the delivery of one business date."""
        return dated(self.file, business_date, suffix)

    def owns(self, name: str, business_date: date) -> bool:
        """Whether a file of that name is the table's, whatever part or repetition of it: after the
        date it may carry `_` or `-` and letters or digits; text may come as `.gz` or `.zip`.
        """
        if self.format in TEXT_FORMATS:
            name = _unpacked(name)
        return _suffix(self.file, name, business_date) is not None


@dataclass(frozen=True)
class Control:
    """The control file: rows and totals that the source says it handed over.

    Where the file itself says so at its end, `format` is "trailer" and it is its own control file.
    """

    file: str
    format: str
    encoding: str
    columns: Mapping[str, str]

    @property
    def is_trailer(self) -> bool:
        """Whether there is no other control file than the file itself."""
        return self.format == "trailer"

    def file_name(self, business_date: date, sequence: int = 1) -> str:
        """Name of the control file of one delivery of a business date."""
        return dated(self.file, business_date, "" if sequence == 1 else f"_{sequence}")

    def delivery_of(self, name: str) -> tuple[date, int] | None:
        """Business date and sequence of the delivery whose control file has that name.

        The first delivery of a date has no number, later ones have `_2`, `_3` and so on. None if
        the name is not that of a control file. A file that is its own may be packed.
        """
        if self.is_trailer:
            name = _unpacked(name)
        stamp = re.search(r"[0-9]{8}", name.removeprefix(self.file.partition(STAMP)[0]))
        try:
            business_date = datetime.strptime(stamp.group() if stamp else "", "%Y%m%d").date()
        except ValueError:
            return None
        suffix = _suffix(self.file, name, business_date)
        if suffix is None or not re.fullmatch(r"(_[1-9][0-9]{0,2})?", suffix):
            return None
        return business_date, int(suffix[1:] or 1)


@dataclass(frozen=True)
class Source:
    """One system of one business and all tables that it hands over."""

    name: str
    business: str
    time_zone: str
    day_cut_off: time
    deadline: time
    policy: str
    control: Control
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table:
        """The table of that name; KeyError if the contract has none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def owner_of(self, name: str) -> str | None:
        """Name of the table that a file belongs to by its name; None if there is none."""
        for stamp in re.findall(r"(?=([0-9]{8}))", name):
            with suppress(ValueError):
                business_date = datetime.strptime(stamp, "%Y%m%d").date()
                for table in self.tables:
                    if table.owns(name, business_date):
                        return table.name
        return None


def dated(pattern: str, business_date: date, suffix: str = "") -> str:
    """File name of one business date from a pattern with {yyyymmdd}."""
    return pattern.replace(STAMP, business_date.strftime("%Y%m%d") + suffix)


def _unpacked(name: str) -> str:
    """The name of a text file without what says that it is packed."""
    return re.sub(r"\.(gz|zip)$", "", name)


def _suffix(pattern: str, name: str, business_date: date) -> str | None:
    """What a file name carries between its date and its end; None if it is not of the pattern."""
    before, after = map(re.escape, dated(pattern, business_date, STAMP).split(STAMP))
    found = re.fullmatch(rf"{before}((?:[_-][0-9A-Za-z]+)*){after}", name)
    return found.group(1) if found else None


def source_names(dbt_project: Path) -> list[str]:
    """Names of all sources: the folders under models/staging that hold a contract, sorted."""
    staging = dbt_project / "models" / "staging"
    return sorted(path.parent.name for path in staging.glob("*/_*__sources.yml"))


def load_source(dbt_project: Path, name: str) -> Source:
    """Read and check the contract of one source.

    Raises Problem that names file, line and column of the mistake.
    """
    path = dbt_project / "models" / "staging" / name / f"_{name}__sources.yml"
    if not path.is_file():
        known = ", ".join(source_names(dbt_project)) or "none"
        raise Problem(f"no contract for source '{name}': {path} is missing (sources: {known})")
    document = read_document(path, ContractFile, "contract")
    places = [i for i, entry in enumerate(document.content.sources) if entry.name == name]
    if len(places) != 1:
        reason = f"must describe source '{name}' once, not {len(places)} times"
        raise document.problem(("sources",), reason)
    return _source(document, ("sources", places[0]), document.content.sources[places[0]])


def meta_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """`meta` of an entry, wherever dbt lets one write it."""
    return {**((entry.get("config") or {}).get("meta") or {}), **(entry.get("meta") or {})}


Contract = Document[ContractFile]


def contract_schema() -> dict[str, Any]:
    """JSON Schema of a contract, for editors."""
    return ContractFile.model_json_schema()


def _source(contract: Contract, where: Where, entry: SourceEntry) -> Source:
    """One source of a checked file, once its parts agree with each other."""
    meta = entry.meta
    if entry.name == "keys":
        raise contract.problem((*where, "name"), "a source cannot be called 'keys'")
    tables = tuple(
        _table(contract, (*where, "tables", number), table)
        for number, table in enumerate(entry.tables)
    )
    _once(contract, (*where, "tables"), "table", [table.name for table in tables])
    place = (*where, "meta", "control")
    if meta.control.format == "trailer":
        tables, control = _with_trailer(contract, place, meta.control, tables)
    else:
        control = _control_file(contract, place, meta.control)
        files = [control.file, *(table.file for table in tables)]
        _once(contract, (*where, "tables"), "file", files)
    return Source(
        name=entry.name,
        business=meta.business,
        time_zone=meta.time_zone,
        day_cut_off=time.fromisoformat(meta.day_cut_off),
        deadline=time.fromisoformat(meta.lateness.deadline),
        policy=meta.lateness.policy,
        control=control,
        tables=tables,
    )


def _control_file(contract: Contract, where: Where, meta: ControlMeta) -> Control:
    headers = meta.columns.model_dump(exclude_none=True) if meta.columns else {}
    if meta.format == "csv" and "file" not in headers:
        reason = "columns must name the headers of file, rows and total"
        raise contract.problem(where, f"control: {reason}")
    if meta.file is None or meta.sums:
        raise contract.problem(where, "control: a control file has a 'file', and no 'sums'")
    return Control(meta.file, meta.format, meta.encoding, MappingProxyType(headers))


def _with_trailer(
    contract: Contract, where: Where, meta: ControlMeta, tables: tuple[Table, ...]
) -> tuple[tuple[Table, ...], Control]:
    """The one table of a source whose files end with their summary, and the file as its control."""
    headers = meta.columns.model_dump(exclude_none=True) if meta.columns else {}
    if meta.file is not None or set(headers) != {"rows", "total"}:
        reason = "a trailer has no 'file', and columns that name its headers of rows and total"
        raise contract.problem(where, f"control: {reason}")
    table, total = tables[0], tables[0].control_total
    if len(tables) != 1 or table.format != "csv" or total is None:
        reason = "a trailer belongs to a source of one table, in csv, with a control_total"
        raise contract.problem(where, f"control: {reason}")
    amounts = {column.name for column in table.columns if column.unit}
    for name in meta.sums:
        if name not in amounts or name == total:
            reason = f"sums: '{name}' is no further amount of {table.name}"
            raise contract.problem((*where, "sums"), reason)
    sums = {total: headers["total"], **meta.sums}
    _once(contract, where, "header", [headers["rows"], *sums.values()])
    trailer = Trailer(headers["rows"], MappingProxyType(sums))
    control = Control(table.file, meta.format, str(table.encoding), MappingProxyType({}))
    return (replace(table, trailer=trailer),), control


def _once(contract: Contract, where: Where, kind: str, names: Sequence[str]) -> None:
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise contract.problem(where, f"{kind} '{name}' is described twice")


def _table(contract: Contract, where: Where, entry: TableEntry) -> Table:
    meta = entry.meta
    columns = tuple(
        _column(contract, (*where, "columns", number), column)
        for number, column in enumerate(entry.columns)
    )
    _once(contract, (*where, "columns"), "column", [column.name for column in columns])
    headers = [header for column in columns for header in column.headers]
    _once(contract, (*where, "columns"), "header", headers)
    if meta.format in TEXT_FORMATS and meta.encoding is None:
        raise contract.problem((*where, "meta"), f"{entry.name}: a text file needs an 'encoding'")
    table = Table(
        name=entry.name,
        file=meta.file,
        format=meta.format,
        encoding=meta.encoding if meta.format in TEXT_FORMATS else None,
        delimiter=meta.delimiter,
        sheet=meta.sheet,
        mode=meta.mode,
        key=tuple(meta.key),
        account=meta.account,
        control_total=meta.control_total,
        business_date_from=meta.business_date.source if meta.business_date else None,
        min_rows=meta.volume.min_rows,
        max_rows=meta.volume.max_rows,
        columns=columns,
        value_prefix=meta.value_prefix,
        optional=meta.optional,
    )
    _check_roles(contract, (*where, "meta"), table)
    return table


def _check_roles(contract: Contract, where: Where, table: Table) -> None:
    """The columns that a table's meta names must exist and be fit for their role."""
    columns = {column.name: column for column in table.columns}
    roles: list[tuple[str, str | None]] = [("key", name) for name in table.key]
    roles += [("account", table.account), ("business_date", table.business_date_from)]
    for role, name in [*roles, ("control_total", table.control_total)]:
        if name is None:
            continue
        place = (*where, role)
        if name not in columns:
            raise contract.problem(place, f"{table.name}: {role} '{name}' is not a column")
        if columns[name].personal:
            raise contract.problem(place, f"{role} '{name}' must not be personal data")
        if role != "control_total" and not columns[name].required:
            raise contract.problem(place, f"{role} '{name}' must be a required column")
    _check_kinds(contract, where, table, columns)
    _check_derived(contract, (*where[:-1], "columns"), table, columns)


def _check_kinds(
    contract: Contract, where: Where, table: Table, columns: Mapping[str, Column]
) -> None:
    """Columns with a role must hold what the role needs."""
    if table.account is not None and table.key != (table.account,):
        reason = f"the key must be the account '{table.account}' alone"
        raise contract.problem((*where, "key"), reason)
    total = table.control_total
    if total is not None and columns[total].unit is None:
        reason = f"control_total '{total}' must be an amount"
        raise contract.problem((*where, "control_total"), reason)
    source, place = table.business_date_from, (*where, "business_date")
    if source is not None and columns[source].data_type not in ("date", "timestamp"):
        reason = f"business_date from '{source}' must be a date or timestamp"
        raise contract.problem(place, reason)
    if source is not None and "business_date" in columns:
        raise contract.problem(place, "'business_date' is both a column and derived")
    for personal in SINGLE_CLASSES:
        if sum(column.personal == personal for column in table.columns) > 1:
            reason = f"{table.name} has two columns of personal class '{personal}'"
            raise contract.problem(where, reason)


def _check_derived(
    contract: Contract, where: Where, table: Table, columns: Mapping[str, Column]
) -> None:
    """What columns are derived from must be in the file, and nobody's personal data."""
    for number, column in enumerate(table.columns):
        place = (*where, number, "meta")
        if column.floating and table.format != "parquet":
            raise contract.problem(
                place, f"column {column.name}: only Parquet holds floating point"
            )
        for name in (*column.ordinal_within, *column.product_of):
            if name not in columns or columns[name].is_derived or columns[name].personal:
                reason = (
                    f"column {column.name}: '{name}' is no column of the file, or personal data"
                )
                raise contract.problem(place, reason)


def _column(contract: Contract, where: Where, entry: ColumnEntry) -> Column:
    meta, name, data_type = entry.meta, entry.name, entry.data_type

    def problem(reason: str) -> Problem:
        return contract.problem(where, f"column {name}: {reason}")

    if name == "load_date":
        raise problem("is a name of the platform")
    if data_type != "bigint" and (meta.min, meta.max) != (None, None):
        raise problem("'min' and 'max' belong on a bigint column")
    if (meta.unit is not None) != name.endswith("_fen") or (meta.unit and data_type != "bigint"):
        raise problem("amounts, and only they, are bigint, named _fen, with a unit")
    if meta.allowed is not None and data_type != "varchar":
        raise problem("'allowed' belongs on a varchar column")
    if meta.excel_serial and data_type not in ("date", "timestamp"):
        raise problem("'excel_serial' belongs on a date or timestamp column")
    if meta.floating and data_type not in ("varchar", "bigint"):
        raise problem("'floating' belongs on a varchar or bigint column")
    if meta.ordinal_within and (data_type != "bigint" or meta.unit):
        raise problem("'ordinal_within' belongs on a bigint column that is no amount")
    if meta.product_of and meta.unit != "yuan":
        raise problem("'product_of' belongs on an amount in yuan")
    if (meta.ordinal_within or meta.product_of) and (meta.header or meta.floating):
        raise problem("is not in the file, so it has no header and is not floating")
    expected = "date" if meta.personal == "birth_date" else "varchar"
    if meta.personal is not None and data_type != expected:
        raise problem(f"personal class '{meta.personal}' belongs on a {expected} column")
    return Column(
        name=name,
        data_type=data_type,
        header=meta.header or name,
        required=meta.required,
        allowed=None if meta.allowed is None else MappingProxyType(meta.allowed),
        minimum=meta.min,
        maximum=meta.max,
        unit=meta.unit,
        personal=meta.personal,
        aliases=tuple(meta.aliases),
        excel_serial=meta.excel_serial,
        floating=meta.floating,
        ordinal_within=tuple(meta.ordinal_within or ()),
        product_of=tuple(meta.product_of or ()),
    )


class Variables(Described):
    """`vars` of dbt_project.yml."""

    businesses: list[str]
    legacy_balances: list[str] = Field(default_factory=list)


class DbtProject(Described):
    """What ingest wants to know of dbt_project.yml."""

    vars: Variables


def business_names(dbt_project: Path) -> list[str] | None:
    """Businesses of the group as dbt_project.yml lists them; None if there is no such file."""
    variables = _variables(dbt_project)
    return variables.businesses if variables else None


def migrating_names(dbt_project: Path) -> list[str] | None:
    """Businesses that can hand over legacy balances, as `business_names`."""
    variables = _variables(dbt_project)
    return variables.legacy_balances if variables else None


def _variables(dbt_project: Path) -> Variables | None:
    path = dbt_project / "dbt_project.yml"
    if not path.exists():
        return None
    return read_document(path, DbtProject, "dbt project").content.vars
