"""Keyed tokens of whole columns: each different text is looked at once."""

from collections.abc import Callable

import polars as pl

from ingest.core.privacy import Keys, token, token_generations
from ingest.generations import KnownValues


def each_once(values: pl.Series, change: Callable[[str], str | None]) -> pl.Series:
    """`change` over a text column, called once for each different text."""
    old = values.drop_nulls().unique().to_list()
    new = pl.Series([change(text) for text in old], dtype=pl.String)
    return values.replace_strict(old, new, default=None, return_dtype=pl.String)


def tokens(keys: Keys, known: KnownValues, kind: str, forms: pl.Series) -> pl.Series:
    """Tokens of normal forms of one kind; NULL stays NULL.

    A form that is known under an earlier key keeps its token, the oldest one that it has.
    """
    texts = forms.drop_nulls().unique()
    made = _tokens(keys, kind, texts)
    for earlier in token_generations(keys):
        older = _tokens(earlier, kind, texts)
        made = older.zip_with(known.has_tokens(kind, older), made)
    return forms.replace_strict(texts, made, default=None, return_dtype=pl.String)


def _tokens(keys: Keys, kind: str, texts: pl.Series) -> pl.Series:
    return pl.Series([token(keys, kind, text) for text in texts.to_list()], dtype=pl.String)
