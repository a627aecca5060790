"""What a statement was made from: the night, the deliveries, the statement before it."""

import json
from datetime import date
from typing import Any, NamedTuple

import duckdb

from exports.closes.totals import closes_of
from exports.reader import read_rows
from exports.statements.header import Made
from exports.statements.packs import Pack, pack_folder, read_pack
from ingest.core.errors import Problem
from ingest.core.lake import Lake


class Before(NamedTuple):
    """A statement by its month, version and number."""

    period: str
    version: int
    statement_no: str


INPUTS = """
    select load_date, source, table_name, source_file, source_sha256 as sha256, business_date,
        sequence, status, row_count as rows, loaded_count as loaded_rows,
        loaded_total_fen as sum_fen
    from fct_load_reconciliation
    where load_date between $first and $through
    order by load_date, source, table_name, source_file, sha256
"""


def read_made(lake: Lake, version: str) -> Made:
    """Key, rules and code of the night that was published as `version`; Problem if its record is
    lost.
    """
    prefix = version.rpartition("-")[2]
    for path in sorted((lake.root / "raw" / "nights").glob(f"{prefix}*.json")):
        try:
            night = json.loads(path.read_text(encoding="utf-8"))
            return Made(night["run_key"], night["rules_version"], night["code_version"])
        except (OSError, ValueError, KeyError) as error:
            raise Problem(f"{path} is damaged; restore it from a backup") from error
    raise Problem(
        f"no record of the night of {version} in {lake.root / 'raw' / 'nights'}; restore it from a "
        "backup"
    )


def read_inputs(
    connection: duckdb.DuckDBPyConnection, first: date, through: date
) -> list[dict[str, Any]]:
    """Every file that was delivered in the nights of a statement, with digest, rows and fen."""
    return read_rows(connection, INPUTS, {"first": first, "through": through})


def statements_before(lake: Lake, period: str, version: int) -> dict[str, Before]:
    """Of each party the statement before those of a version of a month, if it had one."""
    return {
        row["party"]: Before(month, number, row["statement_no"])
        for month, number, rows in closes_of(lake)
        if (month, number) < (period, version)
        for row in rows
    }


def previous_pack(lake: Lake, period: str, party: str, before: Before | None) -> Pack | None:
    """A party's statement before the one of a month; None if there is none.

    Problem if that statement is not in the outbox: the chain would break.
    """
    if before is None:
        return None
    month, number, statement_no = before
    pack = read_pack(pack_folder(lake, month, number, party))
    if pack is None or not pack.is_closed:
        raise Problem(
            f"statement {statement_no}, to which the one of {period} is chained, is not in the "
            f"outbox; write it first: python -m exports statements --period {month}"
        )
    return pack
