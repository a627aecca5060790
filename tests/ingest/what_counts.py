"""What counts of a lake's raw zone, by the very SQL of the models, without dbt."""

import hashlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from ingest.core.contract import load_source
from ingest.core.lake import Lake
from ingest.core.settings import PROJECT
from tests.ingest.small_house import House

MACROS = PROJECT / "dbt_project" / "macros"
MODELS = PROJECT / "dbt_project" / "models" / "intermediate" / "operations"
RECONCILIATION = (
    PROJECT / "dbt_project" / "models" / "marts" / "operations" / "fct_load_reconciliation.sql"
)


def render(text: str, night: date, models: Mapping[str, str] | None = None, **names: Any) -> str:
    """SQL of a template as of one night, every row touched; `models` may be SQL of other models."""
    tonight = (
        f"(select date '{night}' as business_date, date '1970-01-01' as previous_date,"
        " date '1970-01-01' as news_after_date)"
    )
    refs = {"int_tonight": tonight, "int_delivered_rows": "delivered_rows"}
    refs |= {name: f"({sql})" for name, sql in (models or {}).items()}
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    macros = "".join(path.read_text(encoding="utf-8") for path in sorted(MACROS.glob("*.sql")))
    template = environment.from_string(macros + text)
    return template.render(ref=refs.__getitem__, config=lambda **_: "", **names)


def counting_rows(house: House, source: str, table: str, night: date) -> list[dict[str, Any]]:
    """Rows of one table that count, as staging models see them."""
    contract = load_source(house.settings.dbt_project, source).table(table)
    sql = render("{{ latest_version('delivered', key) }}", night, key=list(contract.key))
    with duckdb.connect() as connection:
        connection.execute(f"create view delivered as {_raw(house.lake, source, table)}")
        return connection.sql(sql).to_arrow_table().to_pylist()


def outcomes(house: House, source: str, table: str, night: date) -> dict[str, tuple[int, int]]:
    """Rows and fen of one table by what became of them."""
    postings = render(_model("int_outcome_postings"), night)
    with duckdb.connect() as connection:
        connection.execute(
            f"create view delivered_rows as {_delivered_rows(house, source, table, night)}"
        )
        found = connection.sql(
            f"select outcome, sum(row_count), sum(total_fen) from ({postings}) "
            "group by outcome order by outcome"
        ).fetchall()
    return {outcome: (int(rows), int(fen)) for outcome, rows, fen in found}


def reconciliation(house: House, source: str, table: str, night: date) -> list[dict[str, Any]]:
    """fct_load_reconciliation of one table, by file."""
    postings = render(_model("int_outcome_postings"), night)
    nothing_before = f"select * from ({postings}) limit 0"
    ledger = house.lake.deliveries(source, night).parent.parent / "*" / f"{source}.parquet"
    files = f"read_parquet('{ledger}', hive_partitioning = true)"
    models = {
        "int_deliveries": render(_model("int_deliveries"), night, source=lambda *_: files),
        "int_row_outcomes": render(
            _model("int_row_outcomes"),
            night,
            {"int_posted__row_outcomes": nothing_before, "int_outcome_postings": postings},
        ),
    }
    reconciled = render(RECONCILIATION.read_text(encoding="utf-8"), night, models)
    with duckdb.connect() as connection:
        connection.execute(
            f"create view delivered_rows as {_delivered_rows(house, source, table, night)}"
        )
        found = connection.sql(
            f"select * from ({reconciled}) where table_name = '{table}' order by source_file"
        )
        return found.to_arrow_table().to_pylist()


def _delivered_rows(house: House, source: str, table: str, night: date) -> str:
    """SQL of int_delivered_rows for one table."""
    contract = load_source(house.settings.dbt_project, source).table(table)
    key = " || '|' || ".join(f"cast({name} as varchar)" for name in contract.key)
    return f"""
        select '{source}' as source, '{table}' as table_name, {key} as row_key,
            _row_hash as row_hash, _version as version, _source_file as source_file,
            _source_row as source_row, load_date, {contract.control_total or 0} as amount_fen
        from ({_raw(house.lake, source, table)}) where load_date <= date '{night}'
    """


def _model(name: str) -> str:
    return (MODELS / f"{name}.sql").read_text(encoding="utf-8")


def digest(house: House, source: str, night: date) -> str:
    """Digest over what counts of every table of a source, wherever and whenever it came."""
    hashed = hashlib.sha256()
    for table in load_source(house.settings.dbt_project, source).tables:
        rows = counting_rows(house, source, table.name, night)
        said = [{k: v for k, v in row.items() if k not in PROVENANCE} for row in rows]
        hashed.update(f"{table.name} {sorted(map(repr, said))}".encode())
    return hashed.hexdigest()


PROVENANCE = ("_source_file", "_source_row", "load_date", "version_rank")


def _raw(lake: Lake, source: str, table: str) -> str:
    folder: Path = lake.partition("raw", source, table, date.min).parent
    return f"select * from read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"
