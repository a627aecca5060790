"""Verify a night before it is published: contracts, invariants, expectations, on exactly what would
be published.

Nothing is published and nothing is repaired here. The working database stays as it is, for whoever
looks for the reason.
"""

import csv
import io
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from exports.reader import (
    Mart,
    Tonight,
    engine_options,
    open_work,
    read_marts,
    read_publication,
    read_tonight,
    sql_name,
    work_database,
)
from exports.rule_guard import rule_change_failures
from exports.spark_tables import show_spark_tables
from exports.writer import write_json
from ingest.core.errors import Problem, one_line
from ingest.core.lake import Lake, remove, write_bytes
from ingest.core.settings import Settings

INVARIANTS = tuple(f"I{number}" for number in range(1, 12))
# What to do about an invariant whose violation is no fault of the books.
REMEDIES = {"I9": "look at python -m identity_resolution review, decide, and run the night again"}
DOCS_TITLE = "发布前集市检验"
OUTCOME = ("table", "expectation", "severity", "success", "observed")
NEEDED_MARTS = ("dim_businesses", "dim_parties", "fct_invariants")

Record = dict[str, Any]


@dataclass(frozen=True)
class Verification:
    """What verifying found. `failures` has one line for each thing that is wrong; none means
    success.
    """

    failures: tuple[str, ...]
    marts: tuple[Record, ...] = ()
    invariants: tuple[Record, ...] = ()
    expectations: tuple[Record, ...] = ()


def verify_night(settings: Settings, business_date: date) -> Verification:
    """Check the open night and write what was found to work/verify.json, which publish asks for.

    What costs less comes first, and what fails ends the checking: the rest would fail for the same
    reason. Problem if the night is not open or its working database cannot be read.
    """
    lake = Lake(settings.lake)
    tonight = read_tonight(lake, business_date)
    remove(_path(lake))
    if settings.engine == "spark":
        show_spark_tables(lake)
    remove(failing_rows_file(lake))
    remove(lake.data_docs("marts"))
    verification = _check(settings, tonight, read_marts(settings.dbt_project))
    write_json(
        _path(lake),
        {
            "business_date": tonight.business_date,
            "run_key": tonight.run_key,
            "success": not verification.failures,
            **asdict(verification),
        },
    )
    return verification


def read_verification(lake: Lake, tonight: Tonight) -> dict[str, int]:
    """Rows of each mart as they were verified; Problem unless this very night was verified with
    success.
    """
    command = f"python -m exports verify --date {tonight.business_date}"
    try:
        found = json.loads(_path(lake).read_text(encoding="utf-8"))
        is_tonight, success = found["run_key"] == tonight.run_key, found["success"]
        rows = {mart["name"]: int(mart["rows"]) for mart in found["marts"]}
    except FileNotFoundError as error:
        raise Problem(f"{_path(lake)} is missing; run {command}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"cannot read {_path(lake)}: {one_line(error)}; run {command}") from error
    if not is_tonight:
        raise Problem(f"{_path(lake)} is about another run of the night; run {command}")
    if success is not True:
        raise Problem(f"the night {tonight.business_date} did not pass; see {_path(lake)}")
    return rows


def failing_rows_file(lake: Lake) -> Path:
    """Names the rows that missed an expectation, if verifying found some."""
    return lake.work / "failing_rows.csv"


def _path(lake: Lake) -> Path:
    return lake.work / "verify.json"


def _check(settings: Settings, tonight: Tonight, marts: tuple[Mart, ...]) -> Verification:
    lake = Lake(settings.lake)
    with open_work(lake, settings.memory_limit) as work:
        if failures := tuple(_contract_failures(work, marts)):
            return Verification(failures)
        rows = {
            mart.name: _number(work, f"select count(*) from {sql_name(mart.name)}")
            for mart in marts
        }
        invariants = tuple(_read_invariants(work))
        businesses = _texts(work, "select business from dim_businesses order by business")
        parties = _texts(work, "select party from dim_parties order by party")
        too_much = tuple(rule_change_failures(work, lake, tonight))
    counted = tuple({"name": name, "rows": count} for name, count in rows.items())
    if failures := (*_invariant_failures(invariants), *too_much):
        return Verification(failures, counted, invariants)

    facts = (businesses, parties, _previous_rows(lake, tonight))
    outcomes = _check_expectations(settings, tonight, marts, *facts)
    failures = tuple(
        f"{outcome['table']}: {outcome['expectation']}: {outcome['observed']}"
        for outcome in outcomes
        if not outcome["success"]
    )
    return Verification(failures, counted, invariants, outcomes)


def _check_expectations(
    settings: Settings,
    tonight: Tonight,
    marts: tuple[Mart, ...],
    businesses: tuple[str, ...],
    parties: tuple[str, ...],
    previous_rows: Mapping[str, int],
) -> tuple[Record, ...]:
    """What became of each expectation, in the order of the marts; all of it in Data Docs too."""
    logging.getLogger("great_expectations").propagate = False  # warnings are printed all the same
    from exports.expectations import NightFacts, check_expectations  # noqa: PLC0415 - slow to import
    from ingest.core.data_docs import Listed, write_docs  # noqa: PLC0415
    from ingest.core.expectations import read_failing_rows  # noqa: PLC0415

    lake = Lake(settings.lake)
    facts = NightFacts(tonight.business_date, businesses, parties, previous_rows)
    options = engine_options(lake, settings.memory_limit)
    names = [mart.name for mart in marts]
    outcomes = check_expectations(work_database(lake), options, names, facts)
    listed = [Listed(outcome.table, outcome.success) for outcome in outcomes]
    folder = lake.data_docs("marts")
    write_docs(folder, DOCS_TITLE, tonight.business_date, outcomes, listed)
    grains = {mart.name: mart.grain for mart in marts}
    rows: list[tuple[object, ...]] = []
    with open_work(lake, settings.memory_limit) as work:
        for outcome in outcomes:
            if outcome.failing is not None:
                grain = grains[outcome.table]
                _, found = read_failing_rows(work, outcome.failing, grain)
                place = (outcome.table, outcome.expectation)
                rows += [(*place, row["failure_number"], row["row_key"]) for row in found]
    if rows:
        _write_csv(failing_rows_file(lake), ("mart", "expectation", "number", "row_key"), rows)
    return tuple({name: getattr(outcome, name) for name in OUTCOME} for outcome in outcomes)


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    write_bytes(path, text.getvalue().encode("utf-8"))


def _contract_failures(work: duckdb.DuckDBPyConnection, marts: tuple[Mart, ...]) -> Iterator[str]:
    """A line for each mart, column or type that is not what the contract says."""
    built: dict[str, dict[str, str]] = {}
    for table, column, data_type in work.execute(
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_schema = 'main' order by table_name, ordinal_position"
    ).fetchall():
        built.setdefault(table, {})[column] = data_type
    for name in NEEDED_MARTS:
        if name not in {mart.name for mart in marts}:
            yield f"{name}: no contract in models/marts, but nothing can be verified without it"
    for mart in marts:
        if mart.name not in built:
            yield f"{mart.name}: was not built; run the build step"
            continue
        found, wanted = built[mart.name], {column.name: column.data_type for column in mart.columns}
        for name in sorted(found.keys() | wanted.keys()):
            if found.get(name) != wanted.get(name):
                is_, should_be = (
                    found.get(name, "not there"),
                    wanted.get(name, "not in the contract"),
                )
                yield f"{mart.name}.{name}: is {is_}, should be {should_be}"


def _read_invariants(work: duckdb.DuckDBPyConnection) -> Iterator[Record]:
    columns = ("invariant", "description", "checked_count", "violation_count")
    for row in work.execute(
        f"select {', '.join(columns)} from fct_invariants order by all"
    ).fetchall():
        yield dict(zip(columns, row, strict=True))


def _invariant_failures(invariants: tuple[Record, ...]) -> Iterator[str]:
    """A line for each invariant that does not hold or was not checked."""
    checked = {record["invariant"] for record in invariants}
    for name in INVARIANTS:
        if name not in checked:
            yield f"{name}: was not checked; fct_invariants has no row for it"
    for record in invariants:
        if record["violation_count"] != 0:
            remedy = REMEDIES.get(record["invariant"])
            yield (
                f"{record['invariant']} {record['description']}: "
                f"{record['violation_count']} of {record['checked_count']} violate it"
                + (f"; {remedy}" if remedy else "")
            )


def _previous_rows(lake: Lake, tonight: Tonight) -> Mapping[str, int]:
    """Rows of each mart in the version before; none on the first night or if it is gone."""
    folder = lake.published / (tonight.previous_version or "none")
    return read_publication(folder).row_counts if folder.is_dir() else {}


def _number(work: duckdb.DuckDBPyConnection, query: str) -> int:
    row = work.execute(query).fetchone()
    assert row is not None, "an aggregate without groups returns one row"
    return int(row[0])


def _texts(work: duckdb.DuckDBPyConnection, query: str) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in work.execute(query).fetchall())
