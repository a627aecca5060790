"""Row checks: the text of a file against its contract, many rows at once.

A row that breaks a rule is data, not an error: it goes to quarantine with the first rule it broke.
Rules run in the order of the contract's columns, so the reason given for a row does not depend on
chance.
"""

import json
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest

import polars as pl

from ingest.core.contract import Column, Source, Table
from ingest.readers.rows import SOURCE_ROW, BrokenRow, Rows
from ingest.values import date_value, fen, local_time, product, utc, whole_number

BUSINESS_DATE = "business_date"
TEXT = " text"  # suffix of the text beside a typed column; no contract name can hold a blank
FAULT = " fault"
BOOLEANS = {
    "csv": {"是": True, "否": False},
    "jsonl": {"true": True, "false": False},
    "parquet": {"true": True, "false": False},
    "xlsx": {"true": True, "false": False, "是": True, "否": False},
}
VALUE_CHARACTERS = 200
REFUSED_SCHEMA = {
    SOURCE_ROW: pl.Int64,
    "rule": pl.String,
    "column_name": pl.String,
    "value": pl.String,
    "raw": pl.String,
    "account_id": pl.String,
}


BOUNDS = frozenset({"min", "max", "future"})  # a person may let a row pass them


@dataclass(frozen=True)
class Total:
    """Rows and their exact amount in fen; 0 where the table has no control total.

    `others` are the sums of the table's totals after the first; none stands for zeros.
    """

    row_count: int = 0
    fen: int = 0
    others: tuple[int, ...] = ()

    def __add__(self, other: "Total") -> "Total":
        others = zip_longest(self.others, other.others, fillvalue=0)
        return Total(
            self.row_count + other.row_count, self.fen + other.fen, tuple(map(sum, others))
        )


@dataclass(frozen=True)
class Checked:
    """Some rows of a file, each in exactly one of the two: kept or refused.

    kept: typed columns, business_date where the table has one, `_source_row`; in file order.
    texts: the same rows as they were read, for hashes and normal forms.
    refused: `_source_row`, rule, column_name, value (NULL if personal), raw text, account_id.
    """

    kept: pl.DataFrame
    texts: pl.DataFrame
    refused: pl.DataFrame
    kept_total: Total
    refused_total: Total


@dataclass(frozen=True)
class _Rule:
    """One rule on one column; `broken` is true for the rows that break it."""

    name: str
    column: str
    broken: pl.Expr


def check(
    source: Source,
    table: Table,
    rows: Rows,
    delivery_date: date,
    waived: frozenset[str] = frozenset(),
) -> Checked:
    """Check rows of a file; dates of business after `delivery_date` are refused as future.

    The rules named in `waived` are left out.
    """
    both = _typed(source, table, _with_products(table, _bare(table, rows.frame)))
    left_out = waived if rows.may_hold_nul else waived | {"nul"}
    rules = [rule for rule in _rules(table, delivery_date) if rule.name not in left_out]
    broken = [
        pl.when(rule.broken).then(pl.lit(number, dtype=pl.Int32))
        for number, rule in enumerate(rules)
    ]
    both = both.with_columns(pl.coalesce(broken).alias(FAULT))
    is_sound = both[FAULT].is_null()
    kept, faulty = both, both.clear()
    if not is_sound.all():
        kept, faulty = both.filter(is_sound), both.filter(~is_sound)
    names = [column.name for column in table.columns]
    derived = [BUSINESS_DATE] if table.business_date_from else []
    return Checked(
        kept=kept.select(*names, *derived, SOURCE_ROW),
        texts=kept.select(pl.col(name + TEXT).alias(name) for name in names),
        refused=_refused(table, faulty, rules, rows.broken),
        kept_total=_total(table, kept),
        refused_total=_total(table, faulty) + Total(len(rows.broken)),
    )


def _bare(table: Table, texts: pl.DataFrame) -> pl.DataFrame:
    """Texts without the sign that a table writes before each of them; nothing behind it is NULL."""
    if table.value_prefix is None:
        return texts
    bare = pl.all().exclude(SOURCE_ROW).str.strip_prefix(table.value_prefix).str.strip_chars()
    return texts.with_columns(bare.replace("", None))


def _with_products(table: Table, texts: pl.DataFrame) -> pl.DataFrame:
    """Texts with the amounts that are the product of two others."""
    return texts.with_columns(
        product(*map(pl.col, column.product_of)).alias(column.name)
        for column in table.columns
        if column.product_of
    )


def _typed(source: Source, table: Table, texts: pl.DataFrame) -> pl.DataFrame:
    """Typed columns, NULL for unreadable text; beside each its text under name + TEXT."""
    names = [column.name for column in table.columns]
    expressions = [_value(column, table.format).alias(column.name) for column in table.columns]
    local = texts.select(SOURCE_ROW, *expressions)
    moments = [column.name for column in table.columns if column.data_type == "timestamp"]
    typed = local.with_columns(utc(pl.col(name), source.time_zone) for name in moments)
    if table.business_date_from:
        column = table.column(table.business_date_from)
        dates = local.select(_business_date(column, source).alias(BUSINESS_DATE))
        is_dated = typed[column.name].is_not_null()
        typed = typed.with_columns(pl.when(is_dated).then(dates.to_series()))
    return typed.hstack(texts.select(pl.col(name).alias(name + TEXT) for name in names))


def _value(column: Column, file_format: str) -> pl.Expr:
    """The typed value of a text column; timestamps are local, amounts fen."""
    text = pl.col(column.name)
    if column.data_type == "boolean":
        return text.replace_strict(BOOLEANS[file_format], default=None, return_dtype=pl.Boolean)
    if column.data_type == "date":
        return date_value(text, excel_serial=column.excel_serial)
    if column.data_type == "timestamp":
        return local_time(text, excel_serial=column.excel_serial)
    if column.data_type == "bigint":
        return whole_number(text) if column.unit is None else fen(text, column.unit)
    if column.allowed is not None:
        return text.replace_strict(dict(column.allowed), default=None, return_dtype=pl.String)
    return text


def _business_date(column: Column, source: Source) -> pl.Expr:
    """The day a row belongs to: a sale at 01:30 with a cut-off of 04:00 is the day before's."""
    local = pl.col(column.name)
    if column.data_type == "date":
        return local
    cut_off = pl.duration(hours=source.day_cut_off.hour, minutes=source.day_cut_off.minute)
    return (local - cut_off).dt.date()


def _rules(table: Table, delivery_date: date) -> list[_Rule]:
    """All rules of a table, in the order in which a row is judged."""
    rules: list[_Rule] = []
    for column in table.columns:
        name, value, text = column.name, pl.col(column.name), pl.col(column.name + TEXT)
        if column.required:
            rules.append(_Rule("required", name, text.is_null()))
        if column.data_type == "varchar":
            rules.append(_Rule("nul", name, text.str.contains("\x00", literal=True)))
        misread = "type" if column.allowed is None else "allowed"
        rules.append(_Rule(misread, name, text.is_not_null() & value.is_null()))
        if column.minimum is not None:
            rules.append(_Rule("min", name, value < column.minimum))
        if column.maximum is not None:
            rules.append(_Rule("max", name, value > column.maximum))
    if table.business_date_from:
        late = pl.col(BUSINESS_DATE) > pl.lit(delivery_date)
        rules.append(_Rule("future", table.business_date_from, late))
    return rules


def _total(table: Table, rows: pl.DataFrame) -> Total:
    if not table.totals:
        return Total(rows.height)
    fen, *others = (int(rows[name].cast(pl.Int128).sum()) for name in table.totals)
    return Total(rows.height, fen, tuple(others))


def _refused(
    table: Table, faulty: pl.DataFrame, rules: list[_Rule], broken: tuple[BrokenRow, ...]
) -> pl.DataFrame:
    """Refused rows with their reason, in file order; personal values only inside the raw text."""
    public = {column.name for column in table.columns if column.personal is None}
    headers = {column.name: column.header for column in table.columns}
    rows: list[dict[str, object]] = []
    for row in faulty.iter_rows(named=True):
        rule = rules[row[FAULT]]
        shown = rule.column in public and row[rule.column + TEXT] is not None
        raw = {header: row[name + TEXT] for name, header in headers.items()}
        rows.append(
            {
                SOURCE_ROW: row[SOURCE_ROW],
                "rule": rule.name,
                "column_name": rule.column,
                "value": row[rule.column + TEXT][:VALUE_CHARACTERS] if shown else None,
                "raw": json.dumps(raw, ensure_ascii=False),
                "account_id": row[table.account + TEXT] if table.account else None,
            }
        )
    rows += [
        {
            SOURCE_ROW: aside.source_row,
            "rule": aside.rule,
            "column_name": aside.column,
            "raw": aside.text,
        }
        for aside in broken
    ]
    return pl.DataFrame(rows, schema=REFUSED_SCHEMA).sort(SOURCE_ROW)
