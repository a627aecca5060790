"""A night small enough to work out on paper, made by hand up to the step before verify.

Mall issues 100 points on 5 January and owes the fund 1.00; on the 31st the hotel takes 40 of them,
for which the fund owes it 0.40. So January ends with mall −1.00, hotel +0.40 and fund +0.60.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import yaml

from exports.publish import Published, publish_night
from ingest.core.lake import Lake, write_bytes, write_parquet
from ingest.core.settings import Settings

MARTS = {
    "dim_businesses": (["business"], "business string, business_name string"),
    "dim_parties": (["party"], "party string, party_name string"),
    "dim_members": (
        ["member_id"],
        """member_id string, account_count bigint, business_count bigint, gender string,
        birth_year bigint, mobile_masked string, name_masked string, tier string,
        favourite_business string, is_marketing_consented boolean""",
    ),
    "fct_settlement_lines": (
        ["line_id"],
        """line_id string, posted_date date, period_month date, movement_type string,
        payer_party string, payee_party string, amount_fen bigint, occurred_at timestamp""",
    ),
    "fct_settlement_balances": (
        ["period_month", "party"],
        """period_month date, party string, opening_fen bigint, receivable_fen bigint,
        payable_fen bigint, payments_fen bigint, closing_fen bigint""",
    ),
    "fct_invariants": (
        ["invariant"],
        "invariant string, description string, checked_count bigint, violation_count bigint",
    ),
}

# Not in the order of the grain, so that a test can see that publishing sorts.
ROWS = {
    "dim_businesses": "('mall', '购物中心'), ('hotel', '酒店')",
    "dim_parties": "('mall', '购物中心'), ('hotel', '酒店'), ('fund', '集团积分基金')",
    "dim_members": """
        ('M2', 1, 1, null, null, null, null, 'basic', 'hotel', false),
        ('M1', 2, 2, 'female', 1980, '138****0001', '张*', 'gold', 'mall', true)""",
    "fct_settlement_lines": """
        ('l2', '2026-01-31', '2026-01-01', 'redemption', 'fund', 'hotel', 40,
         '2026-01-31 02:03:04'),
        ('l1', '2026-01-05', '2026-01-01', 'accrual', 'mall', 'fund', 100, null)""",
    "fct_settlement_balances": """
        ('2026-01-01', 'mall', 0, 0, 100, 0, -100),
        ('2026-01-01', 'hotel', 0, 40, 0, 0, 40),
        ('2026-01-01', 'fund', 0, 100, 40, 0, 60)""",
    "fct_invariants": ", ".join(
        f"('I{number}', '说明{number}', 2, 0)" for number in range(11, 0, -1)
    ),
}

POSTINGS = """
    create table int_activity_postings (source varchar, account_id varchar, activity_id varchar);
    insert into int_activity_postings values ('pos', '1', 'a2'), ('pms', null, 'a1');
    create table int_mission_postings (mission_id varchar, mission varchar);
    create table int_points_postings (posted_date date, entry_id varchar, points bigint);
    insert into int_points_postings values ('2026-01-31', 'e2', 40), ('2026-01-31', 'e1', 60);
    create table int_rating_postings (activity_id varchar, rule varchar, points bigint);
    create table int_outcome_postings (
        source varchar, table_name varchar, source_file varchar, outcome varchar, row_count bigint
    );
    create table int_line_postings (line_id varchar, amount_fen bigint);
    insert into int_line_postings values ('l2', 40);
    create view int_tier_postings as
        select 'c1' as change_id, 'x' as reason from onemember.main.dim_businesses limit 0;
    create view int_tier_evidence_postings as
        select 'e1' as evidence_id from onemember.main.dim_businesses limit 0;
"""
LINKS = pa.table(
    {
        "source": ["pos", "pms"],
        "account_id": ["2", "1"],
        "member_id": ["M1", "M2"],
        "previous_member_id": pa.array([None, None], pa.string()),
        "reason": ["new", "new"],
    }
)


@dataclass(frozen=True)
class Night:
    """Which night: its date, a number that stands for its run_key, the night before it."""

    business_date: date
    number: int
    previous: "Night | None" = None

    @property
    def run_key(self) -> str:
        return f"{self.number:02x}" * 32

    @property
    def version(self) -> str:
        return f"{self.business_date}-{f'{self.number:02x}' * 6}"


LAST_OF_JANUARY = Night(date(2026, 1, 31), 1)


def settings_of(root: Path) -> Settings:
    """Settings of a lake and a dbt project in a test folder."""
    return Settings(root / "lake", root / "keys.json", root / "rules", root / "dbt_project", "1GB")


def build_night(
    root: Path, night: Night = LAST_OF_JANUARY, changes: Sequence[str] = ()
) -> Settings:
    """Everything that stands before verify, after changing it with SQL statements."""
    settings = settings_of(root)
    lake = Lake(settings.lake)
    _write_contracts(settings.dbt_project)
    before = night.previous
    tonight = {
        "business_date": night.business_date,
        "previous_date": before.business_date if before else None,
        "run_key": night.run_key,
        "previous_run_key": before.run_key if before else None,
        "input_key": f"input of {night.number}",
        "code_version": "code",
    }
    types = [(name, pa.date32() if name.endswith("_date") else pa.string()) for name in tonight]
    write_parquet(pa.Table.from_pylist([tonight], pa.schema(types)), lake.tonight)
    record = {
        "business_date": night.business_date.isoformat(),
        "run_key": night.run_key,
        "previous_run_key": before.run_key if before else None,
        "input_key": f"input of {night.number}",
        "rules_version": "rules",
        "code_version": "code",
    }
    path = lake.root / "raw" / "nights" / f"{night.run_key}.json"
    write_bytes(path, json.dumps(record).encode())
    write_parquet(LINKS, lake.raw("identity", "link_changes", night.business_date))
    _write_work_database(lake, changes)
    return settings


def pretend_verified(settings: Settings, night: Night = LAST_OF_JANUARY) -> None:
    """Write work/verify.json as if everything had been checked; verify itself has its own tests."""
    lake = Lake(settings.lake)
    with duckdb.connect(str(lake.work / "onemember.duckdb"), read_only=True) as work:
        rows = {
            name: work.table(name).aggregate("count(*)").fetchall()[0][0] for name in sorted(MARTS)
        }
    content = {
        "run_key": night.run_key,
        "success": True,
        "marts": [{"name": name, "rows": count} for name, count in rows.items()],
    }
    write_bytes(lake.work / "verify.json", json.dumps(content).encode())


def publish_small_night(
    root: Path, night: Night = LAST_OF_JANUARY, changes: Sequence[str] = ()
) -> Published:
    """Build a night and publish it."""
    settings = build_night(root, night, changes)
    pretend_verified(settings, night)
    return publish_night(settings, night.business_date)


def _write_contracts(dbt_project: Path) -> None:
    for name, (grain, columns) in MARTS.items():
        folder = dbt_project / "models" / "marts" / "any"
        folder.mkdir(parents=True, exist_ok=True)
        entry = {
            "name": name,
            "description": f"表 of {name}'s rows.",
            "config": {"meta": {"grain": grain}},
            "columns": [
                {"name": column, "data_type": data_type, "description": f"{column} it is"}
                for column, data_type in (pair.split() for pair in columns.split(","))
            ],
        }
        text = yaml.safe_dump({"version": 2, "models": [entry]}, allow_unicode=True)
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
        (folder / f"{name}.sql").write_text("select 1\n", encoding="utf-8")


def _write_work_database(lake: Lake, changes: Sequence[str]) -> None:
    path = lake.work / "onemember.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as work:
        for name, (_, columns) in MARTS.items():
            work.execute(f"create table {name} ({columns.replace(' string', ' varchar')})")
            work.execute(f"insert into {name} values {ROWS[name]}")
        work.execute(POSTINGS)
        for change in changes:
            work.execute(change)
