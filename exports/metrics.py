"""A night's figures for a monitoring system, in Prometheus' text format: `metrics/night.prom`.

Everything is of the published night, so the same night gives the same bytes. A date is a timestamp
in seconds, as Prometheus wants it; how late the platform is follows from it:
`time() - onemember_published_business_date_timestamp_seconds`. The format:
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from exports.reader import Publication
from ingest.core.lake import Lake, write_bytes

PREFIX = "onemember_"


@dataclass(frozen=True)
class Metric:
    """One metric: its name without the prefix, what it is, and a query of one row a series whose
    last column is the value and whose others are labels. `$night` is the business date.
    """

    name: str
    help: str
    query: str


METRICS = (
    Metric(
        "rows_delivered",
        "Rows of the night's files, by what became of them.",
        """
        select source, outcome, sum(row_count)::bigint from (
            unpivot (
                select source, loaded_count as loaded, duplicate_count as duplicate,
                    superseded_count as superseded, quarantined_count as quarantined
                from fct_load_reconciliation where load_date = $night
            ) on loaded, duplicate, superseded, quarantined into name outcome value row_count
        ) group by source, outcome order by source, outcome
        """,
    ),
    Metric(
        "files_delivered",
        "Files of the night, by status.",
        """
        select source, status, count(*) from fct_load_reconciliation where load_date = $night
        group by source, status order by source, status
        """,
    ),
    Metric(
        "source_business_date_timestamp_seconds",
        "Last business date that a source has delivered.",
        "select source, last_business_date from fct_source_freshness"
        " where last_business_date is not null order by source",
    ),
    Metric(
        "source_gaps",
        "Business dates that a source owes.",
        "select source, gap_count from fct_source_freshness order by source",
    ),
    Metric(
        "source_provisional",
        "1 if figures of a source are provisional.",
        "select source, is_provisional::bigint from fct_source_freshness order by source",
    ),
    Metric(
        "invariant_checked",
        "What an invariant looked at.",
        "select invariant, checked_count from fct_invariants order by invariant",
    ),
    Metric(
        "invariant_violations",
        "What breaks an invariant; a night with any is not published.",
        "select invariant, violation_count from fct_invariants order by invariant",
    ),
    Metric(
        "expectations_missed",
        "Expectations of the night's batches that are not met, by severity.",
        """
        select severity, count(*) from fct_batch_expectations
        where load_date = $night and is_met = false group by severity order by severity
        """,
    ),
    *(
        Metric(f"identity_{name}", text, f"select {name}_count from fct_identity_quality")
        for name, text in (
            ("account", "Accounts of all sources."),
            ("member", "Members that they make."),
            ("held_link", "Links that wait for a person."),
            ("blocked_value", "Values that too many accounts share."),
            ("largest_member_account", "Accounts of the largest member."),
        )
    ),
)


def write_metrics(
    lake: Lake, publication: Publication, connection: duckdb.DuckDBPyConnection
) -> Path:
    """Write the metrics of the published night; where they are."""
    path = lake.root / "metrics" / "night.prom"
    lines = [*_of_publication(publication)]
    for metric in METRICS:
        lines += _of_marts(metric, publication.business_date, connection)
    write_bytes(path, ("\n".join(lines) + "\n").encode())
    return path


def _of_publication(publication: Publication) -> Iterator[str]:
    """The night's date and the rows of each mart, as its manifest says."""
    name = "published_business_date_timestamp_seconds"
    yield from _head(name, "Business date that was published last.")
    yield f"{PREFIX}{name} {_value(publication.business_date)}"
    yield from _head("mart_rows", "Rows of each published mart.")
    for mart, rows in sorted(publication.row_counts.items()):
        yield f"{PREFIX}mart_rows{_labels({'mart': mart})} {rows}"


def _of_marts(metric: Metric, night: date, connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    values = {"night": night} if "$night" in metric.query else None
    cursor = connection.execute(metric.query, values)
    names = [column[0] for column in cursor.description or []]
    yield from _head(metric.name, metric.help)
    for *labels, value in cursor.fetchall():
        if value is None:  # nothing is known: no series, and no zero
            continue
        said = _labels(dict(zip(names, labels, strict=False)))
        yield f"{PREFIX}{metric.name}{said} {_value(value)}"


def _head(name: str, text: str) -> Iterator[str]:
    yield f"# HELP {PREFIX}{name} {text}"
    yield f"# TYPE {PREFIX}{name} gauge"


def _labels(labels: dict[str, Any]) -> str:
    """Labels as `{name="value",…}`, with what the format wants escaped; nothing for none."""
    said = [
        f'{name}="{str(value).replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        for name, value in labels.items()
    ]
    return "{" + ",".join(said).replace("\n", "\\n") + "}" if said else ""


def _value(value: Any) -> int:
    """A whole number; a date as the seconds at which it begins in UTC."""
    if isinstance(value, date):
        return int(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp())
    return int(value)
