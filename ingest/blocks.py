"""Blocking keys: keyed tokens of what two records of one person have in common where no identifier
matches, so that resolving identities compares a few pairs and not all.

A key that agrees proves nothing; it says which records are worth unsealing and comparing. What is
compared then lies sealed with its record, in one spelling. Birth dates come from the identity
document (GB 11643 holds one) or else from their own column.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from ingest.core.contract import Column
from ingest.core.privacy import Keys
from ingest.generations import KnownValues
from ingest.normalise import plain, simplified, surname_key
from ingest.tokens import each_once, tokens

OLDEST_AGE_YEARS = 110  # older is what a form was filled in with: 1753, 1900
HEAD_DIGITS, TAIL_DIGITS = 7, 4  # of a mobile number; one wrong digit leaves one of them right
ADDRESS_NOISE = re.compile(r"[\s,，.。;；·#\-－—_/()（）]+")
PARTS = {
    "surname_token": ("surname",),
    "address_token": ("address",),
    "birth_token": ("birth",),
    "name_birth_token": ("name_key", "birth"),
    "name_mobile_head_token": ("name_key", "head"),
    "name_mobile_tail_token": ("name_key", "tail"),
}
BLOCK_COLUMNS = tuple(PARTS)


def compared_parts(
    columns: Sequence[Column],
    forms: Mapping[str, pl.Series],
    texts: pl.DataFrame,
    born: pl.Series | None,
    on: date,
) -> pl.DataFrame:
    """What identity resolution compares of each record, in columns name (simplified), name_key
    (order-free pinyin), surname, birth (YYYYMMDD), mobile and address; NULL where it is unknown.

    forms: normal forms by column. texts: the columns as delivered. born: birth dates, if the table
    has them. on: business date of the delivery; nobody is older than 110 years or not born on it.
    """
    nothing = pl.Series([None] * texts.height, dtype=pl.String)
    of_class = {column.personal: column.name for column in columns if column.personal}

    def column(personal: str, values: Mapping[str, pl.Series] | pl.DataFrame) -> pl.Series:
        return values[of_class[personal]] if personal in of_class else nothing

    written = column("name", texts)
    name_key = column("name", forms)
    return pl.DataFrame(
        {
            "name": each_once(written, lambda text: simplified(plain(text))),
            "name_key": name_key,
            "surname": each_once(written, surname_key),
            "birth": _births(column("id_document", forms), born, on),
            "mobile": column("mobile", forms),
            "address": each_once(column("address", texts), address_key),
        }
    )


def blocking_tokens(keys: Keys, known: KnownValues, compared: pl.DataFrame) -> pl.DataFrame:
    """One token column for each of BLOCK_COLUMNS; NULL where a record lacks a part of the key."""
    parts = compared.with_columns(
        head=pl.col("mobile").str.head(HEAD_DIGITS), tail=pl.col("mobile").str.tail(TAIL_DIGITS)
    )
    return pl.DataFrame(
        {
            name: tokens(
                keys,
                known,
                name.removesuffix("_token"),
                parts.select(pl.concat_str(list(of), separator="|")).to_series(),
            )
            for name, of in PARTS.items()
        }
    )


def address_key(text: str) -> str | None:
    """An address in one spelling: simplified, narrow, without spaces and punctuation."""
    return ADDRESS_NOISE.sub("", simplified(plain(text)).lower()) or None


def _births(documents: pl.Series, born: pl.Series | None, on: date) -> pl.Series:
    """Birth dates as YYYYMMDD; the document's before the one that somebody typed."""
    written = documents.str.slice(6, 8)
    if born is not None:
        said = born.cast(pl.Date).dt.strftime("%Y%m%d")
        written = written.zip_with(written.is_not_null(), said)
    days = written.str.to_date("%Y%m%d", strict=False)
    oldest = date(on.year - OLDEST_AGE_YEARS, 1, 1)
    is_plausible = (days >= oldest) & (days <= on)
    return written.zip_with(is_plausible.fill_null(value=False), pl.Series([None], dtype=pl.String))
