"""Lists of names in rule books, and the text that they compile to."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from ingest.core.documents import Name, Text


def once(values: list[str]) -> list[str]:
    """The same values; ValueError if one of them stands there twice."""
    if len(set(values)) < len(values):
        raise ValueError("a value stands here twice")
    return values


Listed = Annotated[list[Text], Field(min_length=1), AfterValidator(once)]
ListedNames = Annotated[list[Name], Field(min_length=1), AfterValidator(once)]


def listed(values: Sequence[str] | None) -> str | None:
    """A list as one text that SQL can look into: |a|b|, in alphabetical order; None for none."""
    return None if values is None else "|" + "|".join(sorted(values)) + "|"
