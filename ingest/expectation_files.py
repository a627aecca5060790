"""What people wrote about a source's batches beside its contract; checked before a night begins."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ingest.core.contract import Source
from ingest.core.documents import Document, Text, Written, read_document

TABLE_NAME = re.compile(r"\{([a-z0-9_]+)\}")


class WrittenExpectation(Written):
    """One expectation: its SQL finds what should not be, and finds nothing on a good day.

    `{sales}` is what tonight brought of a table, `{sales_before}` what earlier nights brought.
    """

    table: Text
    description: Text
    severity: Literal["critical", "warning"] = "critical"
    unexpected: Annotated[Text, Field(description="SQL; `{table}` and `{table_before}` are read.")]


class ExpectationFile(Written):
    """Expectations of one source that its contract cannot say."""

    expectations: list[WrittenExpectation]


def view_name(source: Source, table: str) -> str:
    """Name under which the gate shows a table, or `<table>_before`."""
    return f"{source.name}__{table}"


def written_expectations(dbt_project: Path, source: Source) -> list[WrittenExpectation]:
    """What people wrote beside a contract; nothing if there is no such file."""
    folder = dbt_project / "models" / "staging" / source.name
    path = folder / f"_{source.name}__expectations.yml"
    if not path.is_file():
        return []
    document = read_document(path, ExpectationFile, "expectations")
    for place, expectation in enumerate(document.content.expectations):
        _check_names(document, source, place, expectation)
    return document.content.expectations


def _check_names(
    document: Document[ExpectationFile], source: Source, place: int, written: WrittenExpectation
) -> None:
    names = {table.name for table in source.tables}
    known = names | {f"{name}_before" for name in names}
    if written.table not in names:
        where = ("expectations", place, "table")
        raise document.problem(where, f"{source.name} has no table '{written.table}'")
    for name in TABLE_NAME.findall(written.unexpected):
        if name not in known:
            where = ("expectations", place, "unexpected")
            raise document.problem(where, f"{{{name}}} is none of {', '.join(sorted(known))}")
