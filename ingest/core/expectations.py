"""Suites of Great Expectations, run as SQL on a DuckDB file.

Importing the library takes seconds, so only the steps that judge data import this module, and only
when they have something to judge.
"""

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import duckdb
import great_expectations as gx
import great_expectations.execution_engine.sqlalchemy_execution_engine as sql_engine
from great_expectations.core.batch import Batch
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.expectations import (
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    UnexpectedRowsExpectation,
)
from great_expectations.expectations.expectation import Expectation

from ingest.core.errors import one_line

FailingRow = dict[str, object]  # failure_number, row_key, source_file, source_row
FAILING_ROWS_KEPT = 1_000  # of each expectation; all are counted
SOURCE_FILE, SOURCE_ROW = "_source_file", "_source_row"


@dataclass(frozen=True)
class Outcome:
    """What became of one expectation; `observed` says in a few words what was found instead.

    `result` is what the library says of it, without any value of a row. `failing` is SQL on the
    rows that are to blame, None if no single row is.
    """

    table: str
    expectation: str
    severity: str
    success: bool
    observed: str
    result: ExpectationValidationResult = field(repr=False)
    failing: str | None = field(default=None, repr=False)


class _DuckDBDialect(str):
    """The engine's name as an item of the library's list of dialects."""

    @property
    def value(self) -> str:
        """Name that the library looks for at the start of a connection string."""
        return str(self)


def run_suites(
    database: Path,
    options: Mapping[str, object],
    suites: Mapping[str, Sequence[Expectation]],
) -> list[Outcome]:
    """Run suites on tables of a database file, which is opened for reading only.

    `options` are DuckDB settings. Outcomes come in the order of the tables and of their suites.
    """
    _keep_connections_open()
    logging.getLogger("great_expectations").setLevel(logging.WARNING)  # it tells of every step
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_sql(
        "night",
        connection_string=f"duckdb:///{quote(str(database))}",
        kwargs={"connect_args": {"read_only": True, "config": dict(options)}},
    )
    outcomes: list[Outcome] = []
    try:
        for table, expectations in suites.items():
            asset = source.add_table_asset(table, table_name=table)
            batch = asset.add_batch_definition_whole_table(table).get_batch()
            outcomes += _run_suite(batch, table, list(expectations))
    finally:
        _close(source)
    return outcomes


def _run_suite(batch: Batch, table: str, expectations: list[Expectation]) -> list[Outcome]:
    """Check one table. Results come in an order of their own, so each carries its place."""
    for place, expectation in enumerate(expectations):
        expectation.meta = {"place": place}
    suite = gx.ExpectationSuite(name=table, expectations=expectations)
    results = batch.validate(
        suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0}
    ).results
    results.sort(key=lambda result: result.expectation_config.meta["place"])
    outcomes = []
    for expectation, result in zip(expectations, results, strict=True):
        success, observed = bool(result.success), _observed(result)
        failing = None if success or not result.result else _failing(expectation, table)
        outcomes.append(
            Outcome(
                table,
                _title(expectation),
                expectation.severity.value,
                success,
                observed,
                result,
                failing,
            )
        )
    return outcomes


def read_failing_rows(
    connection: duckdb.DuckDBPyConnection,
    failing: str,
    key: Sequence[str],
    hidden: Collection[str] = (),
) -> tuple[int, list[FailingRow]]:
    """How many rows an SQL finds, and the first of them by key, file and row.

    Rows are named by what the SQL returns of `key`; if that is nothing, by all that it returns
    except provenance and `hidden` columns.
    """
    columns = connection.sql(f"select * from (\n{failing}\n)").columns
    others = [name for name in columns if not name.startswith("_") and name not in hidden]
    shown = [name for name in key if name in columns and name not in hidden] or others
    texts = [_named_text(name) for name in shown]
    row_key = " || ', ' || ".join(texts) or "''"
    file, row = (name if name in columns else "null" for name in (SOURCE_FILE, SOURCE_ROW))
    found = (
        f"select {row_key} as row_key, {file} as source_file, {row} as source_row "
        f"from (\n{failing}\n)"
    )
    [count] = connection.execute(f"select count(*) from ({found})").fetchone() or (0,)
    first = connection.execute(f"{found} order by all limit {FAILING_ROWS_KEPT}").fetchall()
    names = ("failure_number", "row_key", "source_file", "source_row")
    return int(count), [
        dict(zip(names, (number, *values), strict=True)) for number, values in enumerate(first, 1)
    ]


def _named_text(column: str) -> str:
    """SQL of `column=value`, whatever an SQL may call its columns."""
    text, name = column.replace("'", "''"), column.replace('"', '""')
    return f"'{text}=' || coalesce(cast(\"{name}\" as varchar), '')"


def _failing(expectation: Expectation, table: str) -> str | None:
    """SQL on the rows that an expectation refuses; None if it is about the table as a whole."""
    if isinstance(expectation, UnexpectedRowsExpectation):
        return str(expectation.unexpected_rows_query).replace("{batch}", table)
    if isinstance(expectation, ExpectCompoundColumnsToBeUnique):
        return _repeated(table, expectation.column_list)
    if isinstance(expectation, ExpectColumnValuesToBeUnique):
        return _repeated(table, [expectation.column])
    condition = _condition(expectation)
    return f"select * from {table} where {condition}" if condition else None


def _condition(expectation: Expectation) -> str | None:
    """What is true of the rows that an expectation of single values refuses."""
    if isinstance(expectation, ExpectColumnValuesToNotBeNull):
        return f"{expectation.column} is null"
    if isinstance(expectation, ExpectColumnValuesToBeInSet):
        values = ", ".join(
            "'" + str(value).replace("'", "''") + "'" for value in expectation.value_set
        )
        return f"{expectation.column} not in ({values})"
    if isinstance(expectation, ExpectColumnValuesToBeBetween):
        bounds = ((expectation.min_value, "<"), (expectation.max_value, ">"))
        return " or ".join(
            f"{expectation.column} {sign} {bound}" for bound, sign in bounds if bound is not None
        )
    return None


def _repeated(table: str, columns: Sequence[str]) -> str:
    """SQL on the rows that agree on some columns; who lacks a value agrees with nobody."""
    known = " and ".join(f"{column} is not null" for column in columns)
    repeated = f"count(*) over (partition by {', '.join(columns)}) > 1"
    return f"select * from {table} where {known} qualify {repeated}"


def _title(expectation: Expectation) -> str:
    """What was expected: its own description, or its name and arguments."""
    if expectation.description:
        return str(expectation.description)
    configuration = expectation.configuration
    arguments = {name: value for name, value in configuration.kwargs.items() if value is not None}
    listed = ", ".join(f"{name}={value}" for name, value in sorted(arguments.items()))
    return f"{configuration.type} {listed}"


def _observed(result: ExpectationValidationResult) -> str:
    """What was found, in a few words. No value of a row is repeated."""
    found = result.result
    if "unexpected_count" in found:
        return f"{found['unexpected_count']} of {found['element_count']} rows differ"
    if "observed_value" in found:
        return f"found {found['observed_value']}"
    messages = [
        part["exception_message"]
        for part in (result.exception_info or {}).values()
        if isinstance(part, dict)
    ]
    reason = re.sub("'[^']*'", "'…'", messages[0]) if messages else "no reason given"
    return f"could not be checked: {one_line(reason)}"


def _close(source: SQLDatasource) -> None:
    """Let go of the database file."""
    engine = source.get_execution_engine()
    if engine._connection is not None:
        engine._connection.close()
    engine.engine.dispose()
    source.get_engine().dispose()


def _keep_connections_open() -> None:
    """Let the library read results from DuckDB.

    Great Expectations 1.24 closes the connection before it fetches unless the dialect is on this
    private list (great_expectations issues 10738, 11579). A test fails when a new version changes
    that.
    """
    dialects = sql_engine._PERSISTED_CONNECTION_DIALECTS
    if "duckdb" not in dialects:
        sql_engine._PERSISTED_CONNECTION_DIALECTS = (*dialects, _DuckDBDialect("duckdb"))
