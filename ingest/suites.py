"""What is expected of each landed batch: from its contract, and what people wrote beside it.

The contract's own rules are held row by row while loading. The same rules as expectations look at
what really lies in the lake, with the library's eyes instead of ours. What the contract cannot say
(how much comes on a usual day, which tables must agree with each other) stands in
`_<source>__expectations.yml` as SQL that finds the rows or days that should not be.
"""

import re
from collections.abc import Iterator

from great_expectations.expectations import (
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    UnexpectedRowsExpectation,
)
from great_expectations.expectations.expectation import Expectation

from ingest.core.contract import Column, Source, Table
from ingest.expectation_files import (
    TABLE_NAME,
    WrittenExpectation,
    owner_and_table,
    view_name,
)

Suites = dict[str, list[Expectation]]


def contract_suites(source: Source) -> Suites:
    """What a contract says of each table, by the table's view."""
    return {view_name(source.name, table.name): list(_contracted(table)) for table in source.tables}


def written_suites(source: Source, written: WrittenExpectation) -> Suites:
    """What a person wrote about a table of a source, by the table's view."""
    expectation = UnexpectedRowsExpectation(
        description=written.description,
        severity=written.severity,
        unexpected_rows_query=_query(source, written),
    )
    return {view_name(source.name, written.table): [expectation]}


def add_suites(suites: Suites, more: Suites) -> None:
    """Add expectations to those of the same tables."""
    for view, expectations in more.items():
        suites.setdefault(view, []).extend(expectations)


def _query(source: Source, expectation: WrittenExpectation) -> str:
    """SQL on the views of the gate; the library calls the table in question `{batch}`."""

    def named(name: re.Match[str]) -> str:
        owner, table = owner_and_table(source, name.group(1))
        is_own = (owner, table) == (source.name, expectation.table)
        return "{batch}" if is_own else view_name(owner, table)

    return TABLE_NAME.sub(named, expectation.unexpected)


def _contracted(table: Table) -> Iterator[Expectation]:
    for column in table.columns:
        if column.personal is None:
            yield from _of_column(column)
    key = ", ".join(table.key)
    yield UnexpectedRowsExpectation(
        description=f"every row has a key ({key})",
        unexpected_rows_query=(
            f"select {key}, _source_file, _source_row from {{batch}} where "
            + " or ".join(f"{name} is null" for name in table.key)
        ),
    )


def _of_column(column: Column) -> Iterator[Expectation]:
    if column.required:
        yield ExpectColumnValuesToNotBeNull(column=column.name)
    if column.allowed is not None:
        values = sorted(set(column.allowed.values()))
        yield ExpectColumnValuesToBeInSet(column=column.name, value_set=values)
    if column.minimum is not None or column.maximum is not None:
        yield ExpectColumnValuesToBeBetween(
            column=column.name, min_value=column.minimum, max_value=column.maximum
        )
