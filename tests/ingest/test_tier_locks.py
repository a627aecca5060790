"""Tiers held fast: what a night knows of them, and what the command refuses."""

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_bytes, write_parquet
from ingest.tier_lock_commands import main
from ingest.tier_locks import (
    TierDecision,
    keep_tier_decision,
    locks_known,
    read_tier_decisions,
    tier_lock_table,
)

WHO = ("--by", "Group membership committee", "--reason", "complaint 17")


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake that knows one account and has published the night of 30 October."""
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path))
    lake = Lake(tmp_path)
    linked = pa.table({"source": ["pos"], "account_id": ["A1"], "member_id": ["M1"]})
    write_parquet(linked, lake.posted("member_links", date(2026, 10, 30)))
    night = {
        "business_date": "2026-10-30",
        "previous_date": None,
        "run_key": "k",
        "previous_run_key": None,
        "input_key": "i",
        "rules_version": "r",
        "code_version": "c",
        "is_everything_touched": True,
    }
    write_bytes(lake.root / "raw" / "nights" / "k.json", json.dumps(night).encode())
    write_bytes(lake.published / "current" / "manifest.json", json.dumps(night).encode())
    return lake


def lock(first: int, last: int, tier: str = "gold", account: str = "A1") -> TierDecision:
    days = date(2026, 11, first), date(2026, 11, last)
    return TierDecision("lock", "pos", account, days[0], "us", "so", tier, days[1])


def test_a_lock_is_known_from_the_night_before_its_first_day(lake: Lake) -> None:
    keep_tier_decision(lake, lock(5, 9))
    assert locks_known(lake, date(2026, 11, 3)) == []
    assert locks_known(lake, date(2026, 11, 4)) == [lock(5, 9)]
    [row] = tier_lock_table(lake, date(2026, 11, 4)).to_pylist()
    assert (row["tier"], row["from_date"], row["until_date"]) == (
        "gold",
        date(2026, 11, 5),
        date(2026, 11, 9),
    )


def test_an_unlock_ends_the_locks_of_its_account_the_day_before(lake: Lake) -> None:
    keep_tier_decision(lake, lock(5, 20))
    keep_tier_decision(lake, lock(5, 20, account="A2"))
    keep_tier_decision(lake, TierDecision("unlock", "pos", "A1", date(2026, 11, 10), "us", "so"))
    before, after = (
        {each.account_id: each.until_date for each in locks_known(lake, date(2026, 11, day))}
        for day in (8, 9)
    )
    assert before == {"A1": date(2026, 11, 20), "A2": date(2026, 11, 20)}
    assert after == {"A1": date(2026, 11, 9), "A2": date(2026, 11, 20)}


def test_the_command_keeps_a_lock_from_the_day_after_the_next_night(lake: Lake) -> None:
    assert main(["lock", "pos:A1", "--tier", "gold", "--until", "2027-01-31", *WHO]) == 0
    [kept] = read_tier_decisions(lake)
    assert (kept.from_date, kept.until_date) == (date(2026, 11, 1), date(2027, 1, 31))
    assert main(["unlock", "pos:A1", "--from", "2026-12-01", *WHO]) == 0
    assert [each.decision for each in read_tier_decisions(lake)] == ["lock", "unlock"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lock", "pos:A1", "--tier", "jade", "--until", "2027-01-31"], "'jade' is no tier"),
        (["lock", "pos:A1", "--tier", "basic", "--until", "2027-01-31"], "'basic' is no tier"),
        (["lock", "pos:A1", "--tier", "gold", "--until", "2026-10-31"], "is before --from"),
        (["lock", "pos:B", "--tier", "gold", "--until", "2027-01-31"], "no account pos:B"),
        (["lock", "A1", "--tier", "gold", "--until", "2027-01-31"], "is no account; write it as"),
        (["unlock", "pos:A1", "--from", "2026-10-31"], "the earliest day is 2026-11-01"),
    ],
)
def test_a_decision_that_cannot_be_is_refused(
    lake: Lake, arguments: list[str], message: str
) -> None:
    with pytest.raises(Problem, match=message):
        main([*arguments, *WHO])
    assert read_tier_decisions(lake) == []


def test_a_damaged_decision_is_named(lake: Lake) -> None:
    write_bytes(lake.tier_decisions / "x.json", b"{}")
    with pytest.raises(Problem, match=r"x\.json is no decision"):
        read_tier_decisions(lake)


@pytest.mark.usefixtures("lake")
def test_the_list_shows_every_decision(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"]) == 0
    assert "no tier is held fast" in capsys.readouterr().out
    main(["lock", "pos:A1", "--tier", "gold", "--until", "2027-01-31", *WHO])
    main(["ls"])
    assert "pos:A1" in capsys.readouterr().out.split("complaint 17")[0]
