"""The list of exports (`exports.yml`): which mart, which columns, which labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ingest.core.errors import Problem, one_line

CATALOGUE = Path(__file__).with_name("exports.yml")

# How a column of each kind is written to CSV, as an expression over its value `{0}`. Money and
# rates become decimals (up to 10^18 fen), so that nothing passes through floating point. Text that
# a spreadsheet would take for a formula gets an apostrophe (QUALITY S11); numbers keep their sign.
FORMULA_START = "^[=+\\-@\\t\\r\\n＝＋－＠]"
IS_PLAIN = "({0} >= '0' and {0} < ':') or ({0} >= 'A' and {0} < '＀')"  # tells most at a glance
CSV_KINDS = {
    "text": f"case when {IS_PLAIN} then {{0}}"
    f" when regexp_matches({{0}}, '{FORMULA_START}') then '''' || {{0}} else {{0}} end",
    "date": "cast(cast({0} as date) as varchar)",
    "month": "left(cast(cast({0} as date) as varchar), 7)",
    "flag": "case when {0} then '是' when not {0} then '否' end",
    "count": "{0}",
    "points": "{0}",
    "fen": "{0}",
    "micro_fen": "{0}",
    "yuan": "cast(cast({0} as decimal(18, 0)) * 0.01 as varchar)",
    "per_mille": "cast(cast({0} as decimal(18, 0)) * 0.1 as varchar) || '%'",
    "per_10000": "cast(cast({0} as decimal(18, 0)) * 0.01 as varchar) || '%'",
    "unit_price": "cast(cast({0} as decimal(18, 0)) * 0.000001 as varchar)",
}


@dataclass(frozen=True)
class ExportColumn:
    """One column that a receiver gets; `width` in characters."""

    column: str
    label: str
    kind: str
    width: int
    is_totalled: bool
    is_printed: bool

    @property
    def field(self) -> str:
        """The English name beside the label, with the unit that the value is written in."""
        if self.kind == "yuan":
            return self.column.removesuffix("_fen") + "_yuan"
        if self.kind == "per_mille":
            return self.column.removesuffix("_per_mille") + "_rate"
        if self.kind == "per_10000":
            return self.column.removesuffix("_per_10000") + "_rate"
        if self.kind == "unit_price":
            return self.column.removesuffix("_micro_fen") + "_fen"
        return self.column

    @property
    def csv_expression(self) -> str:
        """SQL for the value as it is written to CSV."""
        return CSV_KINDS[self.kind].format(f'"{self.column}"')


@dataclass(frozen=True)
class Export:
    """One export: the mart that it comes from and its columns in order."""

    name: str
    export_name: str
    mart: str
    note: str
    columns: tuple[ExportColumn, ...]


@dataclass(frozen=True)
class StatementTerms:
    """What a statement says about itself, how many lines its files take, and who gets a draft."""

    time_zone: str
    currency: str
    unit: str
    sign: str
    draft_sheet_lines: int
    closed_sheet_lines: int
    draft_csv_lines: int
    draft_party_kinds: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """All of exports.yml."""

    statement: StatementTerms
    names: dict[str, dict[str, str]]
    exports: dict[str, Export]

    def label(self, field: str, value: str) -> str:
        """What a person reads for a coded value; a code without a name stays as it is."""
        return self.names[field].get(value, value)


def read_catalogue(path: Path = CATALOGUE) -> Catalogue:
    """The list of exports; Problem if the file cannot be read or says something unknown."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Catalogue(
            statement=_terms(content["statement"]),
            names=content["names"],
            exports={entry["name"]: _export(entry) for entry in content["exports"]},
        )
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}; put it back") from error
    except yaml.YAMLError as error:
        raise Problem(f"{path} is not YAML: {one_line(error)}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise Problem(f"{path}: {one_line(error)} is missing or misplaced; see its head") from error


def _terms(entry: dict[str, Any]) -> StatementTerms:
    return StatementTerms(
        time_zone=entry["time_zone"],
        currency=entry["currency"],
        unit=entry["unit"],
        sign=entry["sign"],
        draft_sheet_lines=entry["sheet_lines"]["draft"],
        closed_sheet_lines=entry["sheet_lines"]["closed"],
        draft_csv_lines=entry["draft_csv_lines"],
        draft_party_kinds=tuple(entry["draft_party_kinds"]),
    )


def _export(entry: dict[str, Any]) -> Export:
    return Export(
        name=entry["name"],
        export_name=entry["export_name"],
        mart=entry["mart"],
        note=entry.get("note", ""),
        columns=tuple(_column(entry["name"], column) for column in entry["columns"]),
    )


def _column(export: str, entry: dict[str, Any]) -> ExportColumn:
    if entry["kind"] not in CSV_KINDS:
        raise Problem(
            f"exports.yml, export {export}, column {entry['column']}: "
            f"kind {entry['kind']} is unknown; use one of {', '.join(CSV_KINDS)}"
        )
    return ExportColumn(
        column=entry["column"],
        label=entry["label"],
        kind=entry["kind"],
        width=entry.get("width", 16),
        is_totalled=entry.get("total", False),
        is_printed=entry.get("print", True),
    )
