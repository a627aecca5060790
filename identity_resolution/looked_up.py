"""A resolved night as people ask about it: its tables and where its accounts come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from identity_resolution.engine import DuckDbEngine
from identity_resolution.nights import nights_of, show_night
from ingest.core.contract import load_source
from ingest.core.errors import Problem
from ingest.core.identity_decisions import AccountKey
from ingest.core.lake import Lake, partition_dates
from ingest.core.settings import Settings

TABLES = ["member_links", "links", "held_links"]  # by component
FILES = ("blocked_values", "quality")
HANDED_OVER = ("int_accounts", "int_identifiers")
END_OF_TIME = date.max

Row = dict[str, Any]


@dataclass(frozen=True)
class LookedUp:
    """One resolved night. has_identifiers: whether tonight's hand-over is of this very night, so
    that values which link nobody can be named too.
    """

    settings: Settings
    night: date
    connection: duckdb.DuckDBPyConnection
    has_identifiers: bool

    @property
    def lake(self) -> Lake:
        """Where the night lies."""
        return Lake(self.settings.lake)

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Rows of a query over TABLES, FILES and HANDED_OVER."""
        return list(self.connection.execute(query, list(values)).to_arrow_table().to_pylist())

    def link_of(self, account: AccountKey) -> Row:
        """The account's row of member_links; Problem if the night knows no such account."""
        found = self.rows(
            "select * from member_links where source = ? and account_id = ?",
            [account.source, account.account_id],
        )
        if not found:
            raise Problem(
                f"night {self.night} knows no account {account}; write it as source:account_id"
            )
        return found[0]

    def since(self, account: AccountKey) -> date | None:
        """Since when the account belongs to its member, as posted; None if not posted yet."""
        posted = self.lake.posted("member_links", self.night).parent.parent
        if not any(posted.glob("*/*.parquet")):
            return None
        found = self.rows(
            f"select max(posted_date) as since from read_parquet('{posted}/*/*.parquet',"
            " hive_partitioning = true)"
            " where source = ? and account_id = ? and posted_date <= ?",
            [account.source, account.account_id, self.night],
        )
        since: date | None = found[0]["since"]
        return since

    def places_of(self, account: AccountKey) -> list[str]:
        """Where the newest rows about an account were delivered: file and row."""
        places = []
        for table in load_source(self.settings.dbt_project, account.source).tables:
            folder = self.lake.root / "raw" / account.source / table.name
            is_about_accounts = table.account is not None and table.key == (table.account,)
            if not is_about_accounts or not any(folder.glob("*/*.parquet")):
                continue
            found = self.rows(
                f"select _source_file, _source_row from read_parquet('{folder}/*/*.parquet',"
                " hive_partitioning = true, union_by_name = true)"
                f' where "{table.account}" = ? and load_date <= ?'
                " order by _version desc, load_date desc, _source_row limit 1",
                [account.account_id, self.night],
            )
            places += [f"{row['_source_file']}, row {row['_source_row']}" for row in found]
        return places


def look_up(settings: Settings, night: date | None) -> LookedUp:
    """The resolved night of a date, the last one for None; Problem if there is none."""
    lake = Lake(settings.lake)
    resolved = last_resolved(lake) if night is None else night
    connection = duckdb.connect(config={"memory_limit": settings.memory_limit})
    nights = nights_of(lake, resolved)
    if not nights:
        path = lake.raw("identity", "member_links", resolved)
        raise Problem(f"{path} is missing; run resolve for {resolved} first")
    show_night(DuckDbEngine(connection), lake, nights, TABLES)
    for name in FILES:
        connection.read_parquet(str(lake.raw("identity", name, resolved))).create_view(name)
    is_of_tonight = tonight_of(lake) == resolved
    handed_over = {name: lake.handover(name) for name in HANDED_OVER}
    is_there = is_of_tonight and all(path.is_file() for path in handed_over.values())
    for name, path in handed_over.items() if is_there else ():
        connection.read_parquet(str(path)).create_view(name)
    return LookedUp(settings, resolved, connection, is_there)


def last_resolved(lake: Lake) -> date:
    """The last night that was resolved; Problem if none was."""
    folder = lake.raw("identity", "member_links", END_OF_TIME).parent.parent
    nights = partition_dates(folder)
    if not nights:
        raise Problem(f"no night was resolved yet in {lake.root}; run one first")
    return nights[-1]


def tonight_of(lake: Lake) -> date | None:
    """The night that work/ holds; None if it holds none."""
    if not lake.tonight.is_file():
        return None
    tonight: date = pq.read_table(lake.tonight)["business_date"][0].as_py()
    return tonight


def restricted_folders(lake: Lake, account: AccountKey) -> list[Path]:
    """Restricted tables that may hold an account."""
    return [
        folder
        for folder in sorted((lake.root / "restricted" / account.source).glob("*"))
        if any(folder.glob("*/*.parquet"))
    ]
