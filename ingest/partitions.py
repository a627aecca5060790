"""What checked rows become in the lake: in raw/, restricted/ and quarantine/.

Here personal data parts from the rest: raw/ gets keyed tokens and masked forms, restricted/ gets
the values sealed, one random key a person. The same file gives the same bytes in raw/; sealed bytes
differ on purpose.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import duckdb
import polars as pl
import polars.selectors as cs
import pyarrow as pa

from ingest.blocks import BLOCK_COLUMNS, blocking_tokens, compared_parts
from ingest.checks import BUSINESS_DATE, Checked
from ingest.core.contract import Column, Source, Table
from ingest.core.contract_file import IDENTIFIER_CLASSES
from ingest.core.privacy import Keys, Sealed, row_hashes, seal
from ingest.normalise import NORMALISERS, masked_mobile, masked_name, name_simplified
from ingest.readers.rows import SOURCE_ROW
from ingest.tokens import each_once, tokens

ARROW_TYPES = {
    "varchar": pa.string(),
    "bigint": pa.int64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
}
PROVENANCE = (
    ("_source_file", pa.string()),
    (SOURCE_ROW, pa.int64()),
    ("_version", pa.int64()),
    ("_row_hash", pa.string()),
)
RESTRICTED = pa.schema(
    [
        ("account_id", pa.string()),
        ("version", pa.int64()),
        ("name_token", pa.string()),
        *((name, pa.string()) for name in BLOCK_COLUMNS),
        ("sealed", pa.binary()),
        ("key_ref", pa.string()),
    ]
)
WRAPPED_KEYS = pa.schema(
    [
        ("key_ref", pa.string()),
        ("account_id", pa.string()),
        ("master_key_id", pa.string()),
        ("wrapped_key", pa.binary()),
    ]
)
QUARANTINE = pa.schema(
    [
        ("quarantine_id", pa.string()),
        ("source", pa.string()),
        ("table_name", pa.string()),
        ("source_file", pa.string()),
        ("source_sha256", pa.string()),
        ("business_date", pa.date32()),
        ("version", pa.int64()),
        ("source_row", pa.int64()),
        ("rule", pa.string()),
        ("column_name", pa.string()),
        ("value", pa.string()),
        ("key_ref", pa.string()),
        ("sealed", pa.binary()),
    ]
)
QUARANTINE_ID_DIGITS = 12
ROW_HASH_DIGITS = 16
NormalForms = Mapping[str, pl.Series]
HIDDEN_CLASSES = ("name", "birth_date", "address")  # raw/ shows a part of them, or nothing
NULL_TEXT = "\x1e"
FIELD_END = "\x1f"
BESIDE = "_simplified"
COMPARED = "compared"


@dataclass(frozen=True)
class Delivered:
    """One file of a delivery and the keys that its personal data is kept under.

    `version` orders what several deliveries say of one key (ingest.versions).
    """

    source: Source
    table: Table
    business_date: date
    source_file: str
    sha256: str
    version: int
    keys: Keys

    def context(self, *parts: object) -> str:
        """What a sealed value of this table is bound to: source, table and parts, joined by |."""
        return "|".join([self.source.name, self.table.name, *map(str, parts)])


def quarantine_id(source: str, table: str, source_file: str, source_row: int) -> str:
    """Short name of one row, the same on every rebuild."""
    place = f"{source}|{table}|{source_file}|{source_row}"
    return hashlib.sha256(place.encode()).hexdigest()[:QUARANTINE_ID_DIGITS]


def raw_schema(table: Table) -> pa.Schema:
    """Columns of a table in raw/: the contract's, personal ones replaced, then provenance."""
    fields: list[tuple[str, pa.DataType]] = []
    for column in table.columns:
        fields.extend(_raw_fields(column))
    if table.business_date_from:
        fields.append((BUSINESS_DATE, pa.date32()))
    return pa.schema([*fields, *PROVENANCE])


def personal_fields(table: Table) -> set[str]:
    """Columns in raw/ that stand for personal ones: tokens, masks, a year of birth."""
    return {
        name
        for column in table.columns
        if column.personal is not None
        for name, _ in _raw_fields(column)
    }


def _raw_fields(column: Column) -> list[tuple[str, pa.DataType]]:
    if column.personal is None:
        return [(column.name, ARROW_TYPES[column.data_type])]
    fields = {
        "name": [("name_masked", pa.string())],
        "birth_date": [("birth_year", pa.int64())],
        "address": [],
        "mobile": [(f"{column.name}_token", pa.string()), ("mobile_masked", pa.string())],
    }
    return fields.get(column.personal, [(f"{column.name}_token", pa.string())])


def normal_forms(columns: Sequence[Column], texts: pl.DataFrame) -> NormalForms:
    """Normal form of each identifier and name column, by column name."""
    return {
        column.name: each_once(texts[column.name], NORMALISERS[column.personal])
        for column in columns
        if column.personal is not None and column.personal in NORMALISERS
    }


def raw_rows(delivery: Delivered, checked: Checked, forms: NormalForms) -> pa.Table:
    """Rows of raw/: typed values, tokens and masks for personal data, provenance."""
    table, keys, texts = delivery.table, delivery.keys, checked.texts
    columns: dict[str, pl.Series] = {}
    for column in table.columns:
        if column.personal is None:
            columns[column.name] = checked.kept[column.name]
        elif column.personal in IDENTIFIER_CLASSES:
            columns[f"{column.name}_token"] = tokens(keys, column.personal, forms[column.name])
        if column.personal == "mobile":
            columns["mobile_masked"] = each_once(forms[column.name], masked_mobile)
        elif column.personal == "name":
            columns["name_masked"] = each_once(texts[column.name], masked_name)
        elif column.personal == "birth_date":
            columns["birth_year"] = checked.kept[column.name].dt.year()
    rows = pl.DataFrame(columns)
    said = [name for name in rows.columns if name not in table.key] or list(table.key)
    hashes = _row_hashes(rows.select(said).hstack(_hidden_content(delivery, texts)))
    if table.business_date_from:
        rows = rows.with_columns(checked.kept[BUSINESS_DATE])
    rows = rows.with_columns(
        pl.lit(delivery.source_file).alias("_source_file"),
        checked.kept[SOURCE_ROW],
        pl.lit(delivery.version, dtype=pl.Int64).alias("_version"),
        hashes.alias("_row_hash"),
    )
    return rows.to_arrow().cast(raw_schema(table))


def _hidden_content(delivery: Delivered, texts: pl.DataFrame) -> list[pl.Series]:
    """Keyed hash of what raw/ does not show of a row, if its table has such columns."""
    hidden = [c.name for c in delivery.table.columns if c.personal in HIDDEN_CLASSES]
    if not hidden:
        return []
    said = texts.select(_content(hidden)).to_series().to_list()
    return [pl.Series("_hidden", row_hashes(delivery.keys, said), dtype=pl.String)]


def _row_hashes(rows: pl.DataFrame) -> pl.Series:
    """Hash of what each row says; rows that say the same agree, however they were written.

    Only rows of one key are ever compared: so the key is left out, and 64 bits are enough.
    """
    said = rows.select(cs.temporal().to_physical(), ~cs.temporal())
    with _hasher().cursor() as cursor:
        cursor.register("said", said.select(_content(said.columns)).to_arrow())
        hashes = cursor.sql(f"select left(md5(content), {ROW_HASH_DIGITS}) as row_hash from said")
        return pl.Series(hashes.to_arrow_table()["row_hash"])


@cache
def _hasher() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def _content(names: list[str]) -> pl.Expr:
    """All columns of a row in one text; NULL differs from the empty text."""
    texts = [pl.col(name).cast(pl.String).fill_null(NULL_TEXT) for name in names]
    return pl.concat_str(texts, separator=FIELD_END).alias("content")


def restricted_rows(
    delivery: Delivered, checked: Checked, forms: NormalForms
) -> tuple[pa.Table, pa.Table] | None:
    """Sealed personal data and wrapped keys of a table of accounts; None for any other table.

    The sealed value is JSON of the normal forms, bound to source|table|account_id. A name is kept
    as it came, and beside it (`<column>_simplified`) in simplified characters if they differ.
    """
    table, texts = delivery.table, checked.texts
    if table.account is None:
        return None
    names = pl.Series([None] * texts.height, dtype=pl.String)
    people: dict[str, Sequence[object]] = {}
    for column in table.columns:
        if column.personal is None:
            continue
        if column.personal == "name":
            names = tokens(delivery.keys, "name", forms[column.name])
        is_identifier = column.personal in IDENTIFIER_CLASSES
        values = forms[column.name] if is_identifier else texts[column.name]
        people[column.name] = values.to_list()
        if column.personal == "name":
            beside = each_once(texts[column.name], name_simplified)
            people[f"{column.name}{BESIDE}"] = beside.to_list()
    born = _born(table, checked)
    compared = compared_parts(table.columns, forms, texts, born, delivery.business_date)
    people[COMPARED] = [_known(row) for row in compared.iter_rows(named=True)]
    accounts = texts[table.account].to_list()
    to_json = json.JSONEncoder(ensure_ascii=False).encode
    documents = [
        to_json(_without_empty_beside(dict(zip(people, values, strict=True))))
        for values in (zip(*people.values(), strict=True) if people else [()] * len(accounts))
    ]
    contexts = [delivery.context(account) for account in accounts]
    sealed = seal(delivery.keys, documents, contexts)
    versions = [delivery.version] * len(accounts)
    blocks = blocking_tokens(delivery.keys, compared)
    tokens_of_rows = [names.to_list(), *(blocks[name].to_list() for name in BLOCK_COLUMNS)]
    columns = [accounts, versions, *tokens_of_rows, sealed.sealed, sealed.key_refs]
    rows = pa.table(columns, schema=RESTRICTED)
    return rows, _wrapped_keys(delivery.keys, sealed, accounts)


def _born(table: Table, checked: Checked) -> pl.Series | None:
    born = [column.name for column in table.columns if column.personal == "birth_date"]
    return checked.kept[born[0]] if born else None


def _known(compared: dict[str, str | None]) -> dict[str, str] | None:
    return {name: value for name, value in compared.items() if value is not None} or None


def _without_empty_beside(person: dict[str, object]) -> dict[str, object]:
    return {
        name: value
        for name, value in person.items()
        if value is not None or not name.endswith((BESIDE, COMPARED))
    }


def quarantine_rows(delivery: Delivered, checked: Checked) -> tuple[pa.Table, pa.Table] | None:
    """Refused rows with their sealed text, and the wrapped keys; None if no row was refused.

    The sealed text is bound to source|table|source_file|source_row.
    """
    refused, count = checked.refused, checked.refused.height
    if count == 0:
        return None
    numbers = refused[SOURCE_ROW].to_list()
    contexts = [delivery.context(delivery.source_file, number) for number in numbers]
    sealed = seal(delivery.keys, refused["raw"].to_list(), contexts)
    place = (delivery.source.name, delivery.table.name, delivery.source_file)
    columns = [
        [quarantine_id(*place, number) for number in numbers],
        [delivery.source.name] * count,
        [delivery.table.name] * count,
        [delivery.source_file] * count,
        [delivery.sha256] * count,
        [delivery.business_date] * count,
        [delivery.version] * count,
        numbers,
        *(refused[name].to_list() for name in ("rule", "column_name", "value")),
        sealed.key_refs,
        sealed.sealed,
    ]
    keys = _wrapped_keys(delivery.keys, sealed, refused["account_id"].to_list())
    return pa.table(columns, schema=QUARANTINE), keys


def _wrapped_keys(keys: Keys, sealed: Sealed, accounts: list[str | None]) -> pa.Table:
    master = [keys.master_key_id] * len(accounts)
    return pa.table([sealed.key_refs, accounts, master, sealed.wrapped_keys], schema=WRAPPED_KEYS)
