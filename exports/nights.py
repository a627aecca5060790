"""The table `_nights` of a publication: every night that led to it, and what it was made from.

Beside `_meta` and like it outside the digest of the marts. How fresh the sources are is a mart,
`fct_source_freshness`.
"""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb

from exports.reader import Tonight, version_name
from ingest.core.errors import Problem
from ingest.core.lake import Lake

COLUMNS = ("run_key", "input_key", "rules_version", "code_version")


def write_nights(database: duckdb.DuckDBPyConnection, lake: Lake, tonight: Tonight) -> None:
    """Write one row a night, the last one first."""
    database.begin()
    database.execute(
        "create table _nights (business_date date, version varchar, run_key varchar, "
        "input_key varchar, rules_version varchar, code_version varchar)"
    )
    database.execute(
        "comment on table _nights is '夜批记录 every night that led to this version, and the "
        "digests of its inputs, rules and code.'"
    )
    rows = [
        [
            night["business_date"],
            version_name(date.fromisoformat(night["business_date"]), night["run_key"]),
            *(night[name] for name in COLUMNS),
        ]
        for night in _nights(lake, tonight)
    ]
    database.executemany("insert into _nights values (?, ?, ?, ?, ?, ?)", rows)
    database.commit()


def _nights(lake: Lake, tonight: Tonight) -> Iterator[dict[str, Any]]:
    """The records of tonight and of each night before it; Problem if one is lost."""
    run_key: str | None = tonight.run_key
    while run_key:
        path = lake.root / "raw" / "nights" / f"{run_key}.json"
        try:
            night: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Problem(f"{path} is lost or damaged; restore it from a backup") from error
        yield night
        run_key = night["previous_run_key"]
