"""Nights without dbt, files and identity: the project's own SQL and folds on a lake of their own.

What the deliveries say (the activities of tonight's touched documents) and who is who are given;
everything from there to the postings is what a night runs, model by model, in one process.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from exports.publish import POSTINGS
from identity_resolution.birthdays import BIRTHDAYS
from ingest.core.lake import Lake, write_parquet
from ingest.core.settings import load_settings
from ingest.night import ensure_empty_partitions
from ingest.rules.compile import write_rules
from ledger.points_night import fold_points_night
from ledger.refund_night import fold_refund_night
from ledger.tier_night import fold_tier_night
from tests.pipeline.nights import must_run

PROJECT = load_settings({}).dbt_project
CONTRACT = PROJECT / "models" / "intermediate" / "common" / "_lake__sources.yml"
POSTED = {
    table: POSTINGS[table][0]
    for table in (
        "activities", "tier_changes", "rating_outcomes", "points_entries", "settlement_lines"
    )
}  # fmt: skip
# What merchants need alone: nothing is rated, no points are folded, and there are no lines of them.
ORDERS_POSTED = {table: POSTED[table] for table in ("activities", "settlement_lines")}
POINTS_LINES = "int_taxed_postings"
NO_POINTS_LINES = f"""
create table {POINTS_LINES} as
select * exclude (reversal_reason) from read_parquet('{{empty}}', hive_partitioning = false)
"""
RESULT = "int_rating_outcomes"  # what is believed of every activity after the night
CONSERVED = "int_i11_points_conserved"
FOLDS = {
    "int_tier_events": fold_tier_night,
    "int_points_events": fold_points_night,
    "int_refund_events": fold_refund_night,
}
FOLDED = {
    "int_tier_periods": "int_tier_events",
    "int_points_derived": "int_points_events",
    "int_refund_legs": "int_refund_events",
}
# What a night gets from identity and from businesses, instead of their models.
GIVEN = {
    "int_derived_activities", "int_touched_documents", "int_member_links", "int_link_changes",
    "int_accounts", "int_behaviours", "int_legacy_balances",
    "int_member_birthdays", "int_order_items", "int_mall__order_tenders", "dim_merchants",
}  # fmt: skip
TONIGHT = pa.schema(
    [
        ("business_date", pa.date32()),
        ("previous_date", pa.date32()),
        ("run_key", pa.string()),
        ("is_everything_touched", pa.bool_()),
    ]
)
NO_LEGACY = """
create table int_legacy_balances (
    activity_id varchar, document_no varchar, business varchar, source varchar, line_no bigint,
    account_id varchar, legacy_points bigint, expires_on_date date, legacy_tier_name varchar,
    as_of_date date, source_file varchar, source_row bigint, load_date date, repetition bigint
);
create table int_member_birthdays (member_id varchar, birth_month bigint, birth_day bigint)
"""
# Nights that say nothing of merchants sell nothing for them.
NO_ORDERS = {
    "int_order_items": pa.schema(
        [
            *((name, pa.string()) for name in ("business", "source", "activity_id",
              "reverses_activity_id", "account_id", "merchant_id", "category", "source_file")),
            ("occurred_at", pa.timestamp("us")), ("business_date", pa.date32()),
            ("due_fen", pa.int64()), ("source_row", pa.int64()),
        ]
    ),
    "dim_merchants": pa.schema([("business", pa.string()), ("merchant_id", pa.string())]),
    "int_mall__order_tenders": pa.schema(
        [
            *((name, pa.string()) for name in ("activity_id", "tender_type", "voucher_no")),
            ("amount_fen", pa.int64()),
        ]
    ),
}  # fmt: skip
LOCKS = pa.schema(
    [(name, pa.string()) for name in ("source", "account_id", "tier")]
    + [(name, pa.date32()) for name in ("from_date", "until_date")]
)


@dataclass(frozen=True)
class Models:
    """Compiled SQL by name in an order in which it can run, the lake it was compiled for, and what
    a night posts: relation by ledger.
    """

    lake: Path
    sql: Mapping[str, str]
    posted: Mapping[str, str]


def compile_models(folder: Path, posted: Mapping[str, str] = POSTED) -> Models:
    """Compile what leads to the postings, on an empty lake."""
    lake = folder / "compiled" / "lake"
    results = [*posted.values(), *([RESULT, CONSERVED] if posted is POSTED else [])]
    targets = [f"+{name}" for name in (*results, *FOLDS)]
    must_run(lake, "dags", "dbt", "compile", "--quiet", "--no-introspect", "--select", *targets)
    found = {
        path.stem: path.read_text(encoding="utf-8")
        for path in (lake / "work" / "dbt" / "compiled").rglob("*.sql")
    }
    order: dict[str, str] = {}
    absent = set() if posted is POSTED else {POINTS_LINES}
    for target in results:
        for name in _in_order(target, found, absent | set(order)):
            order[name] = found[name]
    return Models(lake, order, posted)


def _in_order(name: str, sql: Mapping[str, str], done: set[str]) -> Iterator[str]:
    if name in done or name in GIVEN:
        return
    done.add(name)
    needed = re.findall(r'"onemember"\."main"\."(\w+)"', sql[name])
    for each in (*needed, *([FOLDED[name]] if name in FOLDED else [])):
        yield from _in_order(each, sql, done)
    yield name


class Nights:
    """Nights on one lake, from an empty one on."""

    def __init__(self, models: Models, rules: Mapping[str, pa.Table], root: Path) -> None:
        self._models, self._rules, self._lake = models, rules, Lake(root)
        self._previous: date | None = None
        self.violations: dict[date, int] = {}  # of I11, by night
        ensure_empty_partitions(self._lake, CONTRACT)

    def run(
        self,
        night: date,
        given: Mapping[str, pa.Table],
        spoil: Callable[[Lake, date], None] | None = None,
    ) -> None:
        """Run one night and post it; `given` are the tables that GIVEN names. `spoil` is done to
        what the folds wrote, before anything reads it.
        """
        row = {"business_date": night, "previous_date": self._previous}
        row |= {"run_key": "k", "is_everything_touched": False}
        write_parquet(pa.Table.from_pylist([row], TONIGHT), self._lake.tonight)
        write_parquet(BIRTHDAYS.empty_table(), self._lake.birthdays)  # no rule asks for them
        write_rules(self._lake, night, {**self._rules, "tier_locks": LOCKS.empty_table()})
        with duckdb.connect() as work:
            work.execute("set threads = 1; attach ':memory:' as onemember; use onemember")
            work.execute(NO_LEGACY)
            nothing = {name: schema.empty_table() for name, schema in NO_ORDERS.items()}
            for name, table in {**nothing, **given}.items():
                work.register("loading", table)
                work.execute(f"create table {name} as select * from loading")
            if POINTS_LINES not in self._models.sql:
                empty = self._lake.posted("settlement_lines", date(1970, 1, 1))
                work.execute(NO_POINTS_LINES.format(empty=empty))
            for name, sql in self._models.sql.items():
                here = sql.replace(str(self._models.lake), str(self._lake.root))
                work.execute(f"create table {name} as {here}")
                if name in FOLDS:
                    self._fold(work, name, night)
                    if spoil is not None and name == "int_points_events":
                        spoil(self._lake, night)
            if CONSERVED in self._models.sql:
                found = work.execute(f"select violation_count from {CONSERVED}").fetchall()
                self.violations[night] = found[0][0]
            for table, relation in self._models.posted.items():
                path = self._lake.posted(table, night)
                write_parquet(work.table(relation).to_arrow_table(), path)
            if RESULT in self._models.sql:
                self.believed = work.table(RESULT).to_arrow_table()
        self._previous = night

    def _fold(self, work: duckdb.DuckDBPyConnection, events: str, night: date) -> None:
        path = self._lake.work / "handover" / f"{events}.parquet"
        write_parquet(work.table(events).to_arrow_table(), path)
        FOLDS[events](self._lake, night)

    def posted(self, table: str) -> pa.Table:
        """All that was posted to a ledger, night by night, with its posted_date."""
        return pq.read_table(self._lake.posted(table, date.max).parent.parent)
