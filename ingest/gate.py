"""The gate between loading and everything else: what landed tonight, judged by its suites.

A source whose batch fails a critical expectation is taken back whole, as if its deliveries had been
refused: its business is provisional, the others go on. What only warns is written down.
Expectations across sources come last, on what still stands: no source is held against another one
that brought nothing, or was taken back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.batches import ledger, remove_batch, shown, tables_that_came
from ingest.core.contract import Source, load_source, source_names
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_parquet
from ingest.core.log import step_log
from ingest.core.settings import Settings
from ingest.deliveries import ACCEPTED, DELIVERIES, REFUSED, Record, refused_record
from ingest.expectation_files import BEFORE, WrittenExpectation, view_name, written_expectations
from ingest.partitions import personal_fields

if TYPE_CHECKING:
    from ingest.core.expectations import Outcome
    from ingest.suites import Suites

TAKEN_BACK = "gate: "
DOCS_TITLE = "到达批次检验"
_PLACE = [("source", pa.string()), ("table_name", pa.string()), ("expectation", pa.string())]
OUTCOMES = pa.schema(
    [
        *_PLACE,
        ("severity", pa.string()),
        ("is_met", pa.bool_()),  # NULL: not judged
        ("observed", pa.string()),
        ("failing_count", pa.int64()),
    ]
)
FAILING_ROWS = pa.schema(
    [
        *_PLACE,
        ("failure_number", pa.int64()),
        ("row_key", pa.string()),
        ("source_file", pa.string()),
        ("source_row", pa.int64()),
    ]
)
LOG = step_log("gate")


@dataclass
class _Judgement:
    """What was found of one night so far: outcomes, and the rows that are to blame."""

    outcomes: list[Record] = field(default_factory=list)
    failing_rows: list[Record] = field(default_factory=list)
    judged: "list[Outcome]" = field(default_factory=list)

    def failed(self, source: Source) -> list[Record]:
        """What a source is to be taken back for."""
        return [
            record
            for record in self.outcomes
            if record["source"] == source.name
            and record["is_met"] is False
            and record["severity"] == "critical"
        ]


def gate(settings: Settings, night: date) -> list[Record]:
    """Judge what was loaded for a night, take back what fails; the outcome of each expectation.

    Problem if a source fails without which its contract lets no night go on.
    """
    lake = Lake(settings.lake)
    outcomes_file = lake.raw_night("expectations", night)
    rows_file = lake.raw_night("failing_rows", night)
    before = _Judgement(_read(outcomes_file), _read(rows_file))
    sources = [
        load_source(settings.dbt_project, each) for each in source_names(settings.dbt_project)
    ]
    taken_back = [source for source in sources if _was_taken_back(lake, source, night)]
    judged = [source for source in sources if source not in taken_back]
    found = _judge(settings, lake, sources, judged, night, before)
    for source in taken_back:
        found.outcomes += _of(before.outcomes, source)
        found.failing_rows += _of(before.failing_rows, source)
        remove_batch(lake, source, night)
    # First what was found: a gate that is killed while it takes back knows it when it runs again.
    _write_docs(lake, night, found)
    write_parquet(_sorted(found.failing_rows, FAILING_ROWS), rows_file)
    write_parquet(_sorted(found.outcomes, OUTCOMES), outcomes_file)
    for source in judged:
        if failed := found.failed(source):
            _take_back(lake, source, night, failed[0])
    return _read(outcomes_file)


def _judge(
    settings: Settings,
    lake: Lake,
    sources: Sequence[Source],
    judged: Sequence[Source],
    night: date,
    before: _Judgement,
) -> _Judgement:
    """Each source by itself, then those that still stand against each other."""
    from ingest.suites import add_suites, contract_suites, written_suites  # noqa: PLC0415 - slow

    found, names = _Judgement(), {source.name for source in judged}
    alone: Suites = {}
    across: list[tuple[Source, WrittenExpectation]] = []
    for source in judged:
        add_suites(alone, contract_suites(source))
        for written in written_expectations(settings.dbt_project, source):
            if written.is_across(source):
                across.append((source, written))
            else:
                add_suites(alone, written_suites(source, written))
    with shown(lake, sources, night) as database:
        _run(database, sources, alone, found)
        stands = {source.name for source in judged if not found.failed(source)}
        came = set().union(*(tables_that_came(lake, name, night) for name in stands))
        together: Suites = {}
        for source, written in across:
            missing = _missing(source, written, came)
            if not missing:
                add_suites(together, written_suites(source, written))
            elif missing[0][0] in names or not _keep(source, written, before, found):
                found.outcomes.append(_not_judged(source, written, missing))
        if together:
            _run(database, sources, together, found)
    return found


def _missing(
    source: Source, written: WrittenExpectation, came: set[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Tables of tonight that an expectation across sources reads, and that are not there."""
    tables = [(source.name, written.table), *written.reads(source)]
    return [place for place in tables if not place[1].endswith(BEFORE) and place not in came]


def _keep(
    source: Source, written: WrittenExpectation, before: _Judgement, found: _Judgement
) -> bool:
    """Keep what was found before another source was taken back; False if nothing was."""
    place = [source.name, written.table, written.description]
    names = [name for name, _ in _PLACE]
    outcomes, rows = (
        [record for record in records if [record[name] for name in names] == place]
        for records in (before.outcomes, before.failing_rows)
    )
    found.outcomes += outcomes
    found.failing_rows += rows
    return bool(outcomes)


def _not_judged(
    source: Source, written: WrittenExpectation, missing: Sequence[tuple[str, str]]
) -> Record:
    return {
        "source": source.name,
        "table_name": written.table,
        "expectation": written.description,
        "severity": written.severity,
        "is_met": None,
        "observed": f"not judged: nothing of {'.'.join(missing[0])} counts tonight",
        "failing_count": None,
    }


def _run(database: Path, sources: Sequence[Source], suites: "Suites", found: _Judgement) -> None:
    """Run suites on the views, and read the rows that are to blame for what is not met."""
    from ingest.core.expectations import read_failing_rows, run_suites  # noqa: PLC0415 - slow

    tables = {
        view_name(source.name, table.name): (source, table)
        for source in sources
        for table in source.tables
    }
    hidden = set().union(*(personal_fields(table) for _, table in tables.values()))
    outcomes = run_suites(database, {}, suites)
    found.judged += outcomes
    with duckdb.connect(str(database), read_only=True) as connection:
        for outcome in outcomes:
            source, table = tables[outcome.table]
            place = {
                "source": source.name,
                "table_name": table.name,
                "expectation": outcome.expectation,
            }
            count: int | None = 0 if outcome.success else None
            if outcome.failing is not None:
                count, rows = read_failing_rows(connection, outcome.failing, table.key, hidden)
                found.failing_rows += [place | row for row in rows]
            if not outcome.success:
                told = f"{source.name}.{table.name}: {outcome.expectation}: {outcome.observed}"
                LOG.warning("%s (%s)", told, outcome.severity)
            found.outcomes.append(
                {
                    **place,
                    "severity": outcome.severity,
                    "is_met": outcome.success,
                    "observed": outcome.observed,
                    "failing_count": count,
                }
            )


def _write_docs(lake: Lake, night: date, found: _Judgement) -> None:
    """Data Docs of the batches. Pages of sources that were taken back before stay as they are."""
    from ingest.core.data_docs import Listed, write_docs  # noqa: PLC0415 - slow to import

    listed = [
        Listed(
            view_name(str(record["source"]), str(record["table_name"])),
            None if record["is_met"] is None else bool(record["is_met"]),
        )
        for record in found.outcomes
    ]
    write_docs(lake.data_docs("batches"), DOCS_TITLE, night, found.judged, listed)


def _was_taken_back(lake: Lake, source: Source, night: date) -> bool:
    return any(
        record["status"] == REFUSED and str(record["reason"]).startswith(TAKEN_BACK)
        for record in ledger(lake, source.name, night)
    )


def _take_back(lake: Lake, source: Source, night: date, first: Mapping[str, object]) -> None:
    """Take tonight's batch of a source away; its accepted deliveries become refused ones."""
    reason = f"{TAKEN_BACK}{first['table_name']}: {first['expectation']}: {first['observed']}"
    if source.policy == "block":
        raise Problem(f"{source.name} blocks the night: {reason}")
    LOG.error("%s: tonight's deliveries are refused; %s", source.name, reason)
    records = [
        refused_record(record, reason) if record["status"] == ACCEPTED else record
        for record in ledger(lake, source.name, night)
    ]
    write_parquet(pa.Table.from_pylist(records, DELIVERIES), lake.deliveries(source.name, night))
    remove_batch(lake, source, night)


def _of(records: Sequence[Record], source: Source) -> Iterator[Record]:
    return (record for record in records if record["source"] == source.name)


def _read(path: Path) -> list[Record]:
    return pq.ParquetFile(path).read().to_pylist() if path.is_file() else []


def _sorted(records: list[Record], schema: pa.Schema) -> pa.Table:
    """Records by source and table; within one in the order in which they were judged."""
    records = sorted(records, key=lambda row: (str(row["source"]), str(row["table_name"])))
    return pa.Table.from_pylist(records, schema)
