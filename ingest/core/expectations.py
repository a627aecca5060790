"""Suites of Great Expectations, run as SQL on a DuckDB file.

Importing the library takes seconds, so only the steps that judge data import this module, and only
when they have something to judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import great_expectations as gx
import great_expectations.execution_engine.sqlalchemy_execution_engine as sql_engine
from great_expectations.core.batch import Batch
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.expectations.expectation import Expectation

from ingest.core.errors import one_line


@dataclass(frozen=True)
class Outcome:
    """What became of one expectation; `observed` says in a few words what was found instead."""

    table: str
    expectation: str
    severity: str
    success: bool
    observed: str


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
    return [
        Outcome(
            table,
            _title(expectation),
            expectation.severity.value,
            bool(result.success),
            _observed(result),
        )
        for expectation, result in zip(expectations, results, strict=True)
    ]


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
    return f"could not be checked: {one_line(messages[0] if messages else 'no reason given')}"


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
