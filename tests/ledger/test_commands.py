"""`python -m ledger`: files of a night in, files of a night out, one line where that cannot be."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.core.errors import run_command
from ingest.core.lake import Lake, write_parquet
from ledger.__main__ import main
from ledger.columns import read_members
from ledger.expiry import EXPIRY
from ledger.points_night import ENTRIES, EVENTS
from ledger.tier_night import EVENTS as TIER_EVENTS
from ledger.tier_night import EVIDENCE, PERIODS
from tests.ledger.reference import Event, ExpiryVersion
from tests.ledger.tables import event_table, table, tier_event_table, tier_rule_tables
from tests.ledger.tier_reference import GrowthEvent, Lock, PolicyVersion, TierVersion

NIGHT = date(2026, 1, 31)
Command = Callable[..., int]

GROWTH_EVENTS = [
    GrowthEvent(date(2026, 1, 5), 10, member_id="M1"),
    GrowthEvent(date(2026, 1, 5), 9, member_id="M2"),
    GrowthEvent(date(2026, 1, 6), 1, member_id="M2"),
]
EVENTS_OF_TWO = [
    Event("accrual", date(2026, 1, 1), 10, "O2", lot_id="L2", member_id="M2", account_id="B"),
    Event("accrual", date(2026, 1, 2), 20, "O1", lot_id="L1", member_id="M1"),
    Event("redemption", date(2026, 1, 3), 5, "R", member_id="M1"),
]


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake with a night's handover and rules."""
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path))
    lake = Lake(tmp_path)
    tiers = [TierVersion("basic", 0, 0), TierVersion("silver", 1, 10)]
    rules = tier_rule_tables(tiers, [PolicyVersion()])
    for name, rows in (
        ("tiers", rules.tiers),
        ("tier_metrics", rules.metrics),
        ("tier_conditions", rules.conditions),
        ("tier_policy", rules.policy),
    ):
        write_parquet(rows, lake.raw("rules", name, NIGHT))
    write_parquet(tier_event_table(GROWTH_EVENTS), lake.handover("int_tier_events"))
    write_parquet(table([ExpiryVersion()], EXPIRY), lake.raw("rules", "expiry", NIGHT))
    write_parquet(event_table(EVENTS_OF_TWO), lake.handover("int_points_events"))
    return lake


def run(*arguments: str) -> int:
    return run_command(main, arguments)


def test_tiers_writes_a_row_for_each_change_of_each_member(lake: Lake) -> None:
    assert run("tiers", "--date", "2026-01-31") == 0
    written = pq.ParquetFile(lake.raw("ledger", "tier_periods", NIGHT)).read()
    assert written.schema == PERIODS
    assert written.select(["member_id", "change_number", "effective_date"]).to_pylist() == [
        {"member_id": "M1", "change_number": 1, "effective_date": date(2026, 1, 6)},
        {"member_id": "M2", "change_number": 1, "effective_date": date(2026, 1, 7)},
    ]
    evidence = pq.ParquetFile(lake.raw("ledger", "tier_evidence", NIGHT)).read()
    assert evidence.schema == EVIDENCE
    shown = evidence.select(["member_id", "metric", "metric_value", "carried_value"])
    assert [tuple(row.values()) for row in shown.to_pylist()] == [
        ("M1", "growth", 10, 0),
        ("M2", "growth", 10, 0),
    ]


def test_an_event_of_an_unknown_metric_or_tier_is_one_line(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = [replace(GROWTH_EVENTS[0], metric="steps")]
    write_parquet(tier_event_table(unknown), lake.handover("int_tier_events"))
    assert run("tiers", "--date", "2026-01-31") == 1
    assert "unknown metric 'steps'; known: growth" in capsys.readouterr().err
    lock = [Lock("jade", NIGHT, NIGHT)]
    write_parquet(tier_event_table([], lock), lake.handover("int_tier_events"))
    assert run("tiers", "--date", "2026-01-31") == 1
    assert "unknown lock_tier 'jade'; known: basic, silver" in capsys.readouterr().err


def test_points_are_written_member_by_member_as_they_happened(lake: Lake) -> None:
    assert run("points", "--date", "2026-01-31") == 0
    written = pq.ParquetFile(lake.raw("ledger", "points_entries", NIGHT)).read()
    assert written.schema == ENTRIES
    shown = written.select(["entry_type", "account_id", "activity_id", "points"])
    assert [tuple(row.values()) for row in shown.to_pylist()] == [
        ("accrual", "A1", "O1", 20),
        ("redemption", "A1", "R", 5),
        ("accrual", "B", "O2", 10),
    ]


@pytest.mark.parametrize(
    ("command", "table_name"),
    [("tiers", "tier_periods"), ("tiers", "tier_evidence"), ("points", "points_entries")],
)
def test_the_same_night_again_gives_the_same_bytes(
    lake: Lake, command: str, table_name: str
) -> None:
    path = lake.raw("ledger", table_name, NIGHT)
    assert run(command, "--date", "2026-01-31") == 0
    first = path.read_bytes()
    assert run(command, "--date", "2026-01-31") == 0
    assert path.read_bytes() == first


def test_a_night_without_touched_members_writes_tables_without_rows(lake: Lake) -> None:
    write_parquet(TIER_EVENTS.empty_table(), lake.handover("int_tier_events"))
    write_parquet(EVENTS.empty_table(), lake.handover("int_points_events"))
    assert run("tiers", "--date", "2026-01-31") == run("points", "--date", "2026-01-31") == 0
    for name, schema in (
        ("tier_periods", PERIODS),
        ("tier_evidence", EVIDENCE),
        ("points_entries", ENTRIES),
    ):
        written = pq.ParquetFile(lake.raw("ledger", name, NIGHT)).read()
        assert (written.num_rows, written.schema) == (0, schema)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_a_batch_ends_with_a_member_whatever_its_size(tmp_path: Path, rows: int) -> None:
    sizes = {"M1": 3, "M2": 1, "M3": 8, "M4": 2}
    growth = [
        GrowthEvent(NIGHT - timedelta(days=20 - number), number, member_id=member_id)
        for member_id, size in sizes.items()
        for number in range(size)
    ]
    path = tmp_path / "growth.parquet"
    write_parquet(tier_event_table(growth), path)
    batches = list(read_members(path, TIER_EVENTS, NIGHT, rows))
    assert pa.concat_tables(batches).combine_chunks().equals(tier_event_table(growth))
    members = [set(batch["member_id"].to_pylist()) for batch in batches]
    assert sum(len(batch) for batch in members) == len(sizes)
    assert len(batches) == 1 or rows < 14


SORTED = event_table(EVENTS_OF_TWO)
LATER = event_table([replace(EVENTS_OF_TWO[0], business_date=date(2026, 2, 1))])


@pytest.mark.parametrize(
    ("handover", "message"),
    [
        (SORTED.take(pa.array([0, 2, 1])), "is not sorted by member_id, business_date"),
        (SORTED.take(pa.array([1, 0, 2])), "is not sorted by member_id, business_date"),
        (LATER, "holds events after 2026-01-31"),
        (SORTED.drop_columns(["lot_id"]), "has no column lot_id"),
    ],
)
def test_a_handover_that_cannot_be_folded_ends_with_one_line_and_writes_nothing(
    lake: Lake, capsys: pytest.CaptureFixture[str], handover: pa.Table, message: str
) -> None:
    write_parquet(handover, lake.handover("int_points_events"))
    assert run("points", "--date", "2026-01-31") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error
    assert not lake.raw("ledger", "points_entries", NIGHT).exists()


def test_a_missing_file_is_named(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    lake.handover("int_tier_events").unlink()
    assert run("tiers", "--date", "2026-01-31") == 1
    path = lake.handover("int_tier_events")
    expected = f"error: {path} is missing; run the step of the night that writes it first\n"
    assert capsys.readouterr().err == expected


def test_a_file_that_is_no_parquet_is_named(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    lake.handover("int_tier_events").write_bytes(b"PAR1 cut off")
    assert run("tiers", "--date", "2026-01-31") == 1
    assert "int_tier_events.parquet is no Parquet file" in capsys.readouterr().err


@pytest.mark.usefixtures("lake")
def test_a_wrong_date_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tiers", "--date", "31.01.2026") == 1
    assert capsys.readouterr().err == (
        "error: --date '31.01.2026' is not a date; write it as YYYY-MM-DD, e.g. 2026-10-29\n"
    )
