"""What people wrote about a source's batches beside its contract; checked before a night begins."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ingest.core.contract import Source, load_source, source_names
from ingest.core.documents import Document, Text, Written, read_document
from ingest.core.errors import Problem

TABLE_NAME = re.compile(r"\{([^{}]*)\}")
BEFORE = "_before"


class WrittenExpectation(Written):
    """One expectation: its SQL finds what should not be, and finds nothing on a good day.

    `{sales}` is what tonight brought of a table, `{sales_before}` what earlier nights brought;
    `{inn.folios}` is a table of another source. It is the source of `table` that fails.
    """

    table: Text
    description: Text
    severity: Literal["critical", "warning"] = "critical"
    unexpected: Annotated[Text, Field(description="SQL; `{table}` and `{table_before}` are read.")]

    def reads(self, source: Source) -> list[tuple[str, str]]:
        """Source and table of every name in the SQL, the first mention first."""
        names = dict.fromkeys(TABLE_NAME.findall(self.unexpected))
        return [owner_and_table(source, name) for name in names]

    def is_across(self, source: Source) -> bool:
        """Whether it holds a source against another one."""
        return any(owner != source.name for owner, _ in self.reads(source))


class ExpectationFile(Written):
    """Expectations of one source that its contract cannot say."""

    expectations: list[WrittenExpectation]


def view_name(source: str, table: str) -> str:
    """Name under which the gate shows a table, or `<table>_before`."""
    return f"{source}__{table}"


def owner_and_table(source: Source, name: str) -> tuple[str, str]:
    """What a name in the SQL of a source means: `table` of its own, or `other_source.table`."""
    owner, _, table = name.rpartition(".")
    return owner or source.name, table


def written_expectations(dbt_project: Path, source: Source) -> list[WrittenExpectation]:
    """What people wrote beside a contract; nothing if there is no such file."""
    folder = dbt_project / "models" / "staging" / source.name
    path = folder / f"_{source.name}__expectations.yml"
    if not path.is_file():
        return []
    document = read_document(path, ExpectationFile, "expectations")
    for place, written in enumerate(document.content.expectations):
        if written.table not in {table.name for table in source.tables}:
            where = ("expectations", place, "table")
            raise document.problem(where, f"{source.name} has no table '{written.table}'")
        for problem in _wrong_names(document, dbt_project, source, place):
            raise problem
    return document.content.expectations


def _wrong_names(
    document: Document[ExpectationFile], dbt_project: Path, source: Source, place: int
) -> Iterator[Problem]:
    where, sources = ("expectations", place, "unexpected"), source_names(dbt_project)
    for name in TABLE_NAME.findall(document.content.expectations[place].unexpected):
        owner, table = owner_and_table(source, name)
        if owner not in sources:
            yield document.problem(where, f"{{{name}}}: '{owner}' is none of {', '.join(sources)}")
            continue
        of_owner = source if owner == source.name else load_source(dbt_project, owner)
        tables = {f"{each.name}{suffix}" for each in of_owner.tables for suffix in ("", BEFORE)}
        if table not in tables:
            prefix = f"{owner}." if "." in name else ""
            known = ", ".join(f"{prefix}{each}" for each in sorted(tables))
            yield document.problem(where, f"{{{name}}} is none of {known}")
