"""Keyed tokens of whole columns: each different text is looked at once."""

from collections.abc import Callable

import polars as pl

from ingest.core.privacy import Keys, token


def each_once(values: pl.Series, change: Callable[[str], str | None]) -> pl.Series:
    """`change` over a text column, called once for each different text."""
    old = values.drop_nulls().unique().to_list()
    new = pl.Series([change(text) for text in old], dtype=pl.String)
    return values.replace_strict(old, new, default=None, return_dtype=pl.String)


def tokens(keys: Keys, kind: str, forms: pl.Series) -> pl.Series:
    """Tokens of normal forms of one kind; NULL stays NULL."""
    return each_once(forms, lambda form: token(keys, kind, form))
