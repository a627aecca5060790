"""Opening a night: every mistake is one line, and what is published is not worked on again."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ingest.__main__ import main
from ingest.core.contract import load_source
from ingest.core.dates import parse_time
from ingest.core.errors import NOBODY_READS, NOTHING_TO_DO, Problem, run_command
from ingest.core.lake import Lake, check_writable, write_bytes, write_parquet
from ingest.core.payments import Payment, Recording, add_recording, read_journal
from ingest.lateness import awaited
from ingest.night import ensure_empty_partitions, open_night
from tests.ingest.small_house import DAY, NEXT_DAY, House, build_house, read, sale

BUSINESS = """
business: {name}
business_name: 业态
legal_entity_name: 示例有限公司
unified_social_credit_code: "91310000MA1K000A0X"
time_zone: Asia/Shanghai
day_cut_off: "04:00"
points_multiplier_percent: [{{from: 2024-01-01, value: 100, source: s, approved_by: a}}]
refund_policy: [{{from: 2024-01-01, value: unlimited, source: s, approved_by: a}}]
growth_percent: [{{from: 2024-01-01, value: 100, source: s, approved_by: a}}]
excluded_channels: [{{from: 2024-01-01, value: [], source: s, approved_by: a}}]
"""
DATED = "[{{from: 2024-01-01, value: {}, source: s, approved_by: a}}]"
PROGRAMME = {
    "points": (
        f"points_per_10000_fen: {DATED.format(100)}\nresets_clock: {DATED.format('[]')}\n"
        f"expiry: {DATED.format('{model: rolling, months: 12}')}\n"
    ),
    "tiers": (
        "metrics: [{metric: growth, metric_name: 成长值, feeds: [{unit: growth_percent}]}]\n"
        f"window: {DATED.format('{kind: calendar_year}')}\nperiod_months: {DATED.format(12)}\n"
        f"grace_days: {DATED.format(30)}\ndowngrade: {DATED.format('one_down')}\n"
        f"carry_over: {DATED.format('none')}\n"
        f"tiers:\n  - tier: basic\n    tier_name: 普卡\n"
        f"    growth_threshold: {DATED.format(0)}\n"
        f"    points_multiplier_percent: {DATED.format(100)}\n"
    ),
    "entitlements": "benefits: []\n",
    "earning": "bonus_rules: []\n",
    "missions": "missions: []\n",
    "tags": "tags: []\n",
    "migrations": "migrations: []\n",
    "channels": "channels: []\n",
    "contracts": "contracts: []\nvoucher_programmes: []\n",
    "marketing": f"reminder_days: {DATED.format('[30]')}\nrewards: []\naudiences: []\n",
    "tax": "".join(
        f"{name}: {DATED.format('{treatment: outside, per_mille: 0}')}\n"
        for name in (
            "points_issued",
            "points_taken",
            "sales",
            "points_tenders",
            "voucher_subsidies",
        )
    ),
    "settlement": (
        "fund: {party: fund, party_name: 基金}\n"
        f"funding: {DATED.format('{mode: pool}')}\n"
        f"issue_price_micro_fen_per_point: {DATED.format(1000000)}\n"
        f"reimbursement_price_micro_fen_per_point: {DATED.format(1000000)}\n"
    ),
}
LAKE_SOURCES = """
version: 2
sources:
  - name: work
    tables: [{name: tonight}]
  - name: posted
    meta: {location: "posted/{name}", first_partition: "posted_date=1970-01-01"}
    tables:
      - name: points_entries
        columns:
          - {name: entry_id, data_type: varchar}
          - {name: points, data_type: bigint}
          - {name: business_date, data_type: date}
          - {name: is_reversal, data_type: boolean}
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An installation with rule books and a delivery of every source for two dates."""
    house = build_house(tmp_path)
    dbt_project, rules = house.settings.dbt_project, house.settings.rules
    files = {rules / "programme" / f"{name}.yml": text for name, text in PROGRAMME.items()}
    for name in ("shop", "inn", "gate"):
        files[rules / "businesses" / f"{name}.yml"] = BUSINESS.format(name=name)
    files[dbt_project / "dbt_project.yml"] = "vars: {businesses: [gate, inn, shop]}\n"
    sources = dbt_project / "models" / "intermediate" / "common" / "_lake__sources.yml"
    files[sources] = LAKE_SOURCES
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for day in (DAY, NEXT_DAY):
        deliver(house, day)
    return house


def deliver(house: House, day: date, receipt: str = "R1") -> None:
    house.deliver_shop([sale(receipt)], total="1.00", day=day)
    house.deliver_inn([], [], day=day)
    house.put("gate", day, "payments_{d}.parquet", b"opening a night does not read it")
    house.put("gate", day, "control_{d}.json", b"{}")


def tonight(house: House) -> dict[str, object]:
    [row] = read(house.lake.tonight)
    return row


def publish(house: House) -> str:
    """What the publish step leaves behind, as far as opening a night looks at it."""
    night = tonight(house)
    run_key = str(night["run_key"])
    version = f"{night['business_date']}-{run_key[:12]}"
    entry = {"version": version, "business_date": str(night["business_date"]), "run_key": run_key}
    write_bytes(house.lake.published / version / "manifest.json", json.dumps(entry).encode())
    pointer = house.lake.published / "current"
    pointer.unlink(missing_ok=True)
    pointer.symlink_to(version)
    return run_key


def test_the_first_night_has_no_night_before_it(house: House) -> None:
    assert open_night(house.settings, DAY, replace=False) == 0
    row = tonight(house)
    assert row["business_date"] == DAY
    assert row["previous_date"] is None
    assert row["previous_run_key"] is None
    assert len(str(row["run_key"])) == 64


def test_what_a_killed_process_left_half_written_goes_when_a_night_opens(house: House) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    part = house.lake.posted("points_entries", DAY)
    left = part.with_name(f".part.parquet.{dead.pid}.tmp")
    being_written = part.with_name(f".part.parquet.{os.getpid()}.tmp")
    for path in (left, being_written):
        write_bytes(path, b"half")
    open_night(house.settings, DAY, replace=False)
    assert not left.exists()
    assert being_written.read_bytes() == b"half"


def test_the_next_night_follows_the_published_one_also_after_a_gap(house: House) -> None:
    open_night(house.settings, DAY, replace=False)
    run_key = publish(house)
    later = date(2026, 11, 3)
    deliver(house, later)
    assert open_night(house.settings, later, replace=False) == 0
    row = tonight(house)
    assert (row["previous_date"], row["previous_run_key"]) == (DAY, run_key)


def test_the_run_key_follows_date_files_and_rules_and_nothing_else(house: House) -> None:
    def run_key(day: date = DAY) -> object:
        open_night(house.settings, day, replace=False)
        return tonight(house)["run_key"]

    first = run_key()
    house.put("shop", DAY, ".hidden", b"x")
    assert run_key() == first
    assert run_key(NEXT_DAY) != first
    deliver(house, DAY, "R2")
    changed = run_key()
    assert changed != first
    deliver(house, DAY)
    points = house.settings.rules / "programme" / "points.yml"
    points.write_text(PROGRAMME["points"].replace("value: 100,", "value: 90,"), encoding="utf-8")
    assert run_key() not in (first, changed)


def test_the_run_key_follows_the_payments_that_the_night_knows_of(house: House) -> None:
    lake = Lake(house.settings.lake)
    open_night(house.settings, DAY, replace=False)
    before = tonight(house)["run_key"]
    for night, is_known in ((NEXT_DAY, False), (DAY, True)):
        paid = Payment(f"B{night}", "mall", "mall/S1", 1, DAY)
        recording = Recording("陈静", night, None, (paid,))
        add_recording(lake, read_journal(lake), recording)
        open_night(house.settings, DAY, replace=False)
        assert (tonight(house)["run_key"] != before) == is_known


def test_a_published_night_with_nothing_new_is_not_worked_on_again(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    open_night(house.settings, DAY, replace=False)
    run_key = publish(house)
    for replace in (False, True):
        assert open_night(house.settings, DAY, replace=replace) == NOTHING_TO_DO
        line = (
            f"night 2026-10-29 is already published as 2026-10-29-{run_key[:12]}; nothing was new\n"
        )
        assert capsys.readouterr().out == line


def test_an_older_published_night_with_nothing_new_is_recognised(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    open_night(house.settings, DAY, replace=False)
    publish(house)
    open_night(house.settings, NEXT_DAY, replace=False)
    publish(house)
    assert open_night(house.settings, DAY, replace=False) == NOTHING_TO_DO
    assert "night 2026-10-29 is already published" in capsys.readouterr().out


@pytest.mark.parametrize(
    "path", ["models/new.sql", "../identity_resolution/comparison.json"], ids=["model", "json"]
)
def test_only_changed_code_is_said_and_replaces_on_request_alone(
    house: House, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    open_night(house.settings, DAY, replace=False)
    publish(house)
    changed = house.settings.dbt_project / path
    changed.parent.mkdir(parents=True, exist_ok=True)
    changed.write_text("select 1", encoding="utf-8")
    assert open_night(house.settings, DAY, replace=False) == NOTHING_TO_DO
    assert "only the code changed since" in capsys.readouterr().out
    assert open_night(house.settings, DAY, replace=True) == 0


def test_a_published_night_with_new_files_is_rewritten_only_on_request(house: House) -> None:
    open_night(house.settings, DAY, replace=False)
    first = publish(house)
    open_night(house.settings, NEXT_DAY, replace=False)
    second = publish(house)
    deliver(house, NEXT_DAY, "R2")
    with pytest.raises(Problem, match=r"never rewritten; .* or use --replace"):
        open_night(house.settings, NEXT_DAY, replace=False)
    for _ in range(2):  # a replacement that crashed may be opened again
        assert open_night(house.settings, NEXT_DAY, replace=True) == 0
        row = tonight(house)
        assert (row["previous_date"], row["previous_run_key"]) == (DAY, first)
        assert row["run_key"] != second
    deliver(house, DAY, "R3")
    with pytest.raises(
        Problem, match=r"2026-10-29 is published as .* next night's landing folder$"
    ):
        open_night(house.settings, DAY, replace=True)


def test_a_night_of_a_closed_month_is_never_replaced(house: House) -> None:
    open_night(house.settings, DAY, replace=False)
    publish(house)
    deliver(house, DAY, "R2")
    write_parquet(pa.table({"version": ["2026-09-30-abc"]}), house.lake.close("2026-09"))
    assert open_night(house.settings, DAY, replace=True) == 0
    write_bytes(house.lake.close("2026-10"), b"")
    with pytest.raises(Problem, match="cannot be replaced: a month is closed by it"):
        open_night(house.settings, DAY, replace=True)


def test_a_night_that_a_close_was_made_from_is_never_replaced(house: House) -> None:
    open_night(house.settings, DAY, replace=False)
    publish(house)
    deliver(house, DAY, "R2")
    version = f"{DAY}-{tonight(house)['run_key'][:12]}"
    write_parquet(pa.table({"version": [version]}), house.lake.close("2026-09", 2))
    with pytest.raises(Problem, match=r"a month is closed by it .*version_2\.parquet"):
        open_night(house.settings, DAY, replace=True)


def test_a_night_knows_of_a_reopened_month_by_its_run_key(house: House) -> None:
    open_night(house.settings, NEXT_DAY, replace=False)
    before = tonight(house)["run_key"]
    step = {"step": "approve", "period": "2026-09", "version": 1, "by": "李强", "why": "late"}
    path = house.lake.close_steps / "2026-09" / "0006.json"
    write_bytes(path, json.dumps({**step, "on_date": f"{NEXT_DAY}"}).encode())
    open_night(house.settings, NEXT_DAY, replace=False)
    assert tonight(house)["run_key"] == before
    write_bytes(path, json.dumps({**step, "on_date": f"{DAY}"}).encode())
    open_night(house.settings, NEXT_DAY, replace=False)
    assert tonight(house)["run_key"] != before


def test_a_skipped_night_cannot_be_published_afterwards(house: House) -> None:
    open_night(house.settings, DAY, replace=False)  # crashed, never published
    open_night(house.settings, NEXT_DAY, replace=False)
    publish(house)
    with pytest.raises(Problem, match="2026-10-29 was never published, but 2026-10-30 is"):
        open_night(house.settings, DAY, replace=False)


def test_a_night_for_which_nobody_delivered_is_not_opened(house: House) -> None:
    with pytest.raises(Problem, match="no source has delivered anything for 2026-11-01; check"):
        open_night(house.settings, date(2026, 11, 1), replace=False)
    assert not house.lake.tonight.exists()


@pytest.mark.parametrize(
    ("at", "policy", "reason"),
    [
        ("2026-10-30T05:59:59+08:00", "provisional", "waiting until 2026-10-30 06:00 CST"),
        ("2026-10-29T21:59:59+00:00", "block", "waiting until 2026-10-30 06:00 CST"),
        ("2026-10-30T06:00:00+08:00", "provisional", None),
        ("2026-10-30T06:00:00+08:00", "block", "lets no night go on without it"),
        (None, "provisional", None),
        (None, "block", "lets no night go on without it"),
        ("2026-10-30T05:59:59+08:00", "note", None),
        (None, "note", None),
    ],
)
def test_a_missing_delivery_is_awaited_to_its_deadline_and_then_its_policy_decides(
    house: House, at: str | None, policy: str, reason: str | None
) -> None:
    shutil.rmtree(house.lake.landing("inn", DAY))
    contract = house.contract_file("inn")
    lateness = f'lateness: {{deadline: "06:00", policy: {policy}}}\n      control:'
    contract.write_text(contract.read_text().replace("control:", lateness, 1))
    time = parse_time(at) if at else None
    if reason is None:
        assert open_night(house.settings, DAY, replace=False, at=time) == 0
        return
    with pytest.raises(Problem, match=f"no delivery of inn for 2026-10-29 .*{reason}"):
        open_night(house.settings, DAY, replace=False, at=time)
    assert not house.lake.tonight.exists()


AWAITED = "inn: no delivery for 2026-10-29 yet; waiting until 2026-10-30 06:00 CST"
NOBODY = "no delivery for 2026-10-29 is awaited"


@pytest.mark.parametrize(
    ("at", "policy", "status", "said"),
    [
        ("2026-10-30T05:59:59+08:00", "provisional", 75, AWAITED),
        ("2026-10-29T21:59:59+00:00", "block", 75, AWAITED),
        ("2026-10-30T06:00:00+08:00", "block", 0, NOBODY),
        (None, "provisional", 0, NOBODY),
        ("2026-10-30T05:59:59+08:00", "note", 0, NOBODY),
    ],
)
def test_a_program_asks_whether_a_night_waits_and_reads_it_off_the_exit_status(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    at: str | None,
    policy: str,
    status: int,
    said: str,
) -> None:
    monkeypatch.setattr("ingest.__main__.load_settings", lambda: house.settings)
    shutil.rmtree(house.lake.landing("inn", DAY))
    contract = house.contract_file("inn")
    lateness = f'lateness: {{deadline: "06:00", policy: {policy}}}\n      control:'
    contract.write_text(contract.read_text().replace("control:", lateness, 1))
    asked = ["awaited", "--date", str(DAY), *(["--at", at] if at else [])]
    assert main(asked) == status
    assert capsys.readouterr().out == f"{said}\n"
    assert main([*asked, "--json"]) == status
    told = json.loads(capsys.readouterr().out)
    assert told == [{"source": "inn", "until": "2026-10-30T06:00:00+08:00"}] * (status == 75)


def test_nobody_is_awaited_who_has_delivered(house: House) -> None:
    at = parse_time("2026-10-29T20:00:00+08:00")
    sources = [load_source(house.settings.dbt_project, name) for name in ("inn", "shop")]
    assert awaited(house.lake, sources, DAY, at) == []
    names = [each.source.name for each in awaited(house.lake, sources, date(2026, 11, 1), at)]
    assert names == ["inn", "shop"]


def test_a_rehearsed_night_awaits_no_delivery_whatever_the_policies_say(house: House) -> None:
    contract = house.contract_file("inn")
    lateness = 'lateness: {deadline: "06:00", policy: block}\n      control:'
    contract.write_text(contract.read_text().replace("control:", lateness, 1))
    at = parse_time("2026-11-01T20:00:00+08:00")
    assert open_night(house.settings, date(2026, 11, 1), False, at, is_awaiting=False) == 0
    assert tonight(house)["business_date"] == date(2026, 11, 1)


def test_a_broken_rule_book_is_named_with_its_line(house: House) -> None:
    path = house.settings.rules / "businesses" / "shop.yml"
    path.write_text(BUSINESS.format(name="shop").replace("04:00", "25:00"), encoding="utf-8")
    with pytest.raises(Problem, match=r"shop\.yml:7:1: day_cut_off"):
        open_night(house.settings, DAY, replace=False)


def test_contract_and_rules_must_agree_when_the_day_ends(house: House) -> None:
    path = house.settings.rules / "businesses" / "shop.yml"
    path.write_text(BUSINESS.format(name="shop").replace("04:00", "05:00"), encoding="utf-8")
    with pytest.raises(Problem, match=r"source shop: its contract ends the day at 04:00"):
        open_night(house.settings, DAY, replace=False)


def test_missing_keys_are_named(house: House) -> None:
    house.settings.keys_file.unlink()
    with pytest.raises(Problem, match=r"keys file .* is missing"):
        open_night(house.settings, DAY, replace=False)


def test_an_unwritable_lake_is_named(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file where the folder should be")
    with pytest.raises(Problem, match=r"cannot write .*/lake/\.write-check"):
        check_writable(tmp_path / "lake")


def test_a_problem_ends_as_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: list[str]) -> int:
        raise Problem("first\nsecond")

    assert run_command(fail, []) == 1
    assert capsys.readouterr().err == "error: first second\n"


def test_a_reader_that_goes_away_ends_a_command_without_a_word() -> None:
    lines = "run_command(lambda _: [print('a line') for _ in range(100_000)] and 0, [])"
    code = f"import sys; from ingest.core.errors import run_command; sys.exit({lines})"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        assert command.stdout.readline() == b"a line\n"
        command.stdout.close()
        assert command.stderr.read() == b""
    assert command.returncode == NOBODY_READS


def test_a_new_lake_gets_empty_typed_partitions_that_sql_can_read(house: House) -> None:
    open_night(house.settings, DAY, replace=False)
    folder = house.lake.root / "posted" / "points_entries"
    query = f"describe select * from read_parquet('{folder}/*/*.parquet', hive_partitioning=true)"
    columns = {row[0]: row[1] for row in duckdb.sql(query).fetchall()}
    assert columns == {
        "entry_id": "VARCHAR",
        "points": "BIGINT",
        "business_date": "DATE",
        "is_reversal": "BOOLEAN",
        "posted_date": "DATE",
    }


def test_the_projects_own_lake_tables_can_all_be_made(tmp_path: Path) -> None:
    from ingest.core.lake import Lake
    from ingest.core.settings import load_settings
    from ingest.night import LAKE_SOURCES as CONTRACT

    made = ensure_empty_partitions(Lake(tmp_path), load_settings().dbt_project / CONTRACT)
    assert tmp_path / "posted/points_entries/posted_date=1970-01-01/part.parquet" in made
    assert all(read(path) == [] for path in made)
