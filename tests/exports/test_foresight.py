"""What a built night would change: two versions of a few rows, worked out by hand.

The last version: M1 (gold, 500 points), M2 (basic, 0), the mall owes the fund 5.00. The night:
account hotel:H9 of M3 is new, M2 joins M1, who spends 40 points of the 500 at the hotel and falls
to basic; the fund pays the hotel 0.40.
"""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from exports import foresight
from exports.foresight import Foresight, foresee, print_foresight
from exports.reader import work_database
from exports.verify import Verification
from exports.writer import write_json
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_parquet
from ingest.core.settings import Settings
from tests.exports.small_night import settings_of

NIGHT = date(2026, 2, 1)
TABLES = """
    create table dim_members (member_id varchar);
    create table dim_member_accounts (source varchar, account_id varchar, member_id varchar);
    create table dim_member_tiers (member_id varchar, tier varchar, tier_rank bigint);
    create table dim_parties (party varchar, party_kind varchar);
    create table fct_load_reconciliation (
        load_date date, source varchar, status varchar, row_count bigint, loaded_count bigint,
        duplicate_count bigint, superseded_count bigint, quarantined_count bigint
    );
    create table fct_member_id_changes (
        source varchar, account_id varchar, posted_date date, member_id varchar, reason varchar
    );
    create table fct_points_balances (
        member_id varchar, issued_points bigint, redeemed_points bigint, expired_points bigint,
        clawed_back_points bigint, balance_points bigint, debt_points bigint, pending_points bigint
    );
    create table fct_settlement_balances (period_month date, party varchar, closing_fen bigint);
    create table fct_tier_changes (
        posted_date date, reason varchar, from_tier varchar, to_tier varchar, is_reversal boolean
    );
    insert into dim_parties values
        ('fund', 'fund'), ('hotel', 'business'), ('mall', 'business'),
        ('m1', 'merchant'), ('m2', 'merchant');
    insert into fct_load_reconciliation values
        ('2026-01-31', 'pos', 'accepted', 10, 9, 0, 0, 1);
    insert into fct_tier_changes values ('2026-01-31', 'upgrade', 'basic', 'gold', false);
"""
BEFORE = """
    insert into dim_members values ('M1'), ('M2');
    insert into dim_member_accounts values ('pos', '1', 'M1'), ('pos', '2', 'M2');
    insert into dim_member_tiers values ('M1', 'gold', 2), ('M2', 'basic', 1);
    insert into fct_points_balances values
        ('M1', 500, 0, 0, 0, 500, 0, 7), ('M2', 0, 0, 0, 0, 0, 0, 0);
    insert into fct_settlement_balances values
        ('2025-12-01', 'mall', -900), ('2026-01-01', 'fund', 500), ('2026-01-01', 'mall', -500);
"""
TONIGHT = """
    insert into fct_load_reconciliation values
        ('2026-02-01', 'hotel', 'refused', null, null, null, null, null),
        ('2026-02-01', 'pos', 'accepted', 4, 2, 1, 1, 0),
        ('2026-02-01', 'pos', 'accepted', 3, 1, 0, 0, 2);
    insert into dim_members values ('M1'), ('M3');
    insert into dim_member_accounts values
        ('pos', '1', 'M1'), ('pos', '2', 'M1'), ('hotel', 'H9', 'M3');
    insert into fct_member_id_changes values
        ('pos', '1', '2026-01-31', 'M1', 'new'), ('pos', '2', '2026-02-01', 'M1', 'merge'),
        ('hotel', 'H9', '2026-02-01', 'M3', 'new');
    insert into dim_member_tiers values ('M1', 'basic', 1), ('M3', 'basic', 1);
    insert into fct_tier_changes values
        ('2026-02-01', 'downgrade', 'gold', 'basic', false),
        ('2026-02-01', 'new', null, 'basic', false);
    insert into fct_points_balances values
        ('M1', 500, 40, 0, 0, 460, 0, 0), ('M3', 0, 0, 0, 0, 0, 0, 0);
    insert into fct_settlement_balances values
        ('2026-01-01', 'fund', 500), ('2026-02-01', 'fund', 460), ('2026-02-01', 'mall', -500),
        ('2026-02-01', 'hotel', 40), ('2026-02-01', 'm1', 3), ('2026-02-01', 'm2', -3);
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The lake with the last version and the night that is built; verifying finds nothing."""
    settings = settings_of(tmp_path)
    lake = Lake(settings.lake)
    lake.work.mkdir(parents=True)
    _fill(work_database(lake), TABLES + TONIGHT)
    names = ("previous_date", "run_key", "previous_run_key")
    tonight = {"business_date": NIGHT, **dict.fromkeys(names)}
    write_parquet(pa.Table.from_pylist([tonight | {"run_key": "b"}]), lake.tonight)
    monkeypatch.setattr(foresight, "verify_night", lambda *_: Verification(()))
    return settings


@pytest.fixture
def publication(settings: Settings) -> str:
    """The last version, published in the lake; its name."""
    folder = Lake(settings.lake).published / "2026-01-31-a"
    write_json(folder / "manifest.json", {"version": folder.name, "business_date": "2026-01-31"})
    _fill(folder / "marts.duckdb", TABLES + BEFORE)
    (folder.parent / "current").symlink_to(folder.name)
    return folder.name


def _fill(path: Path, sql: str) -> None:
    with duckdb.connect(str(path)) as database:
        database.execute(sql)


def changes(foreseen: Foresight, group: str) -> dict[str, tuple[int, int, int]]:
    rows: list[dict[str, Any]] = foreseen.groups[group]
    return {row["figure"]: (row["before"], row["after"], row["difference"]) for row in rows}


@pytest.mark.usefixtures("publication")
def test_figures_stand_as_they_are_as_they_would_be_and_by_how_much(settings: Settings) -> None:
    foreseen = foresee(settings, NIGHT)
    assert changes(foreseen, "rows") == {
        "row_count": (10, 17, 7), "loaded_count": (9, 12, 3), "duplicate_count": (0, 1, 1),
        "superseded_count": (0, 1, 1), "quarantined_count": (1, 3, 2),
    }  # fmt: skip
    assert changes(foreseen, "members") == {"account_count": (2, 3, 1), "member_count": (2, 2, 0)}
    assert changes(foreseen, "tiers") == {"basic": (1, 2, 1), "gold": (1, 0, -1)}
    assert changes(foreseen, "points") == {
        "issued_points": (500, 500, 0), "redeemed_points": (0, 40, 40), "expired_points": (0, 0, 0),
        "clawed_back_points": (0, 0, 0), "balance_points": (500, 460, -40),
        "debt_points": (0, 0, 0), "pending_points": (7, 0, -7),
    }  # fmt: skip


@pytest.mark.usefixtures("publication")
def test_money_is_what_each_party_is_owed_after_its_last_month_merchants_together(
    settings: Settings,
) -> None:
    assert changes(foresee(settings, NIGHT), "fen") == {
        "fund": (500, 460, -40), "hotel": (0, 40, 40), "mall": (-500, -500, 0),
        "merchants": (0, 0, 0),
    }  # fmt: skip


def test_what_the_night_brings_is_counted_by_kind_and_nothing_of_earlier_nights(
    settings: Settings, publication: str
) -> None:
    foreseen = foresee(settings, NIGHT)
    assert foreseen.follows == publication
    assert [tuple(row.values()) for row in foreseen.groups["files"]] == [
        ("hotel", "refused", 1, 0, 0, 0, 0, 0),
        ("pos", "accepted", 2, 7, 3, 1, 1, 2),
    ]
    assert foreseen.groups["member_changes"] == [
        {"reason": "merge", "account_count": 1, "member_count": 1},
        {"reason": "new", "account_count": 1, "member_count": 1},
    ]
    (moved,) = foreseen.groups["tier_changes"]  # to be given a first tier is no move
    assert tuple(moved.values()) == ("downgrade", "gold", "basic", False, 1)


def test_a_first_night_begins_at_nothing(settings: Settings) -> None:
    foreseen = foresee(settings, NIGHT)
    assert foreseen.follows is None
    assert changes(foreseen, "members") == {"account_count": (0, 3, 3), "member_count": (0, 2, 2)}


def test_the_answer_for_programs_says_whether_the_night_would_be_published_and_why_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = foresee(settings, NIGHT).as_json()
    assert (told["business_date"], told["would_be_published"]) == ("2026-02-01", True)
    monkeypatch.setattr(foresight, "verify_night", lambda *_: Verification(("I3 is broken",)))
    told = foresee(settings, NIGHT).as_json()
    assert (told["would_be_published"], told["failures"]) == (False, ["I3 is broken"])


@pytest.mark.usefixtures("publication")
def test_a_person_reads_the_groups_that_have_rows(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    print_foresight(foresee(settings, NIGHT))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "│ balance_points │ 500 │ 460 │ -40 │" in lines
    assert "│ hotel │ 0 │ 40 │ +40 │" in lines
    assert lines[-1].endswith("the night would be published")


def test_another_night_than_the_one_that_is_built_is_refused(settings: Settings) -> None:
    with pytest.raises(Problem, match="the open night is 2026-02-01, not 2026-02-02"):
        foresee(settings, date(2026, 2, 2))


def test_a_night_that_is_not_built_is_said_in_one_line(settings: Settings) -> None:
    _fill(work_database(Lake(settings.lake)), "drop table dim_members")
    with pytest.raises(Problem, match=r"cannot read .* build the night again"):
        foresee(settings, NIGHT)
