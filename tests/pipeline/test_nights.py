"""What holds for whole nights: again, anew, read meanwhile, and given something broken."""

import json
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingest.core.contract import load_source, source_names
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.landing import write_delivery
from tests.pipeline import worked_example
from tests.pipeline.nights import (
    PROJECT,
    environment_of,
    must_run,
    run_command,
    run_worked_nights,
)

LAST_NIGHT = worked_example.NIGHTS[-1].isoformat()
NEXT_NIGHT = date(2026, 11, 2)


def manifest(lake: Path) -> bytes:
    return (lake / "published" / "current" / "manifest.json").read_bytes()


@pytest.fixture
def next_lake(worked_lake: Path, tmp_path: Path) -> Path:
    """A copy of the worked example's lake with an empty delivery for one more night."""
    shutil.copy(worked_lake.parent / "keys.json", tmp_path / "keys.json")
    lake = tmp_path / "lake"
    shutil.copytree(worked_lake, lake, symlinks=True)
    project = load_settings({}).dbt_project
    for name in source_names(project):
        write_delivery(Lake(lake), load_source(project, name), NEXT_NIGHT, {})
    return lake


def test_the_same_night_again_says_that_nothing_was_new_and_changes_nothing(
    worked_lake: Path,
) -> None:
    before = manifest(worked_lake)
    said = must_run(worked_lake, "dags", "run", "--date", LAST_NIGHT)
    assert "nothing new" in said
    assert manifest(worked_lake) == before


@pytest.mark.long
def test_an_empty_lake_rebuilt_with_other_keys_that_rotate_midway_reaches_the_same_digests(
    worked_lake: Path, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(worked_lake / "landing", lake / "landing")
    run_worked_nights(lake, rotate=True)
    assert (lake.parent / "keys.json").read_bytes() != (
        worked_lake.parent / "keys.json"
    ).read_bytes()
    assert json.loads(manifest(lake))["digest"] == json.loads(manifest(worked_lake))["digest"]


def test_a_quiet_night_moves_no_points_and_keeps_the_closed_statement(next_lake: Path) -> None:
    pack = next_lake / "outbox" / "statements" / "2026-10" / "hotel"
    before = {path.name: path.read_bytes() for path in pack.iterdir()}
    must_run(next_lake, "dags", "run", "--date", NEXT_NIGHT.isoformat())
    with duckdb.connect(
        next_lake / "published" / "current" / "marts.duckdb", read_only=True
    ) as connection:
        posted = connection.execute(
            "select count(*) from fct_points_entries where posted_date = '2026-11-02'"
        )
        assert posted.fetchall() == [(0,)]
    assert {path.name: path.read_bytes() for path in pack.iterdir()} == before


def test_analysts_read_the_published_marts_while_a_night_runs(next_lake: Path) -> None:
    marts = next_lake / "published" / "current" / "marts.duckdb"
    night = subprocess.Popen(
        [sys.executable, "-m", "dags", "run", "--date", NEXT_NIGHT.isoformat()],
        cwd=PROJECT,
        env=environment_of(next_lake),
        stdout=subprocess.DEVNULL,
    )
    reads = 0
    while night.poll() is None:
        with duckdb.connect(marts, read_only=True) as connection:
            members = connection.execute("select count(*) from dim_members").fetchall()
            balances = connection.execute("select count(*) from fct_points_balances").fetchall()
        assert members == balances == [(2,)]
        reads += 1
        time.sleep(0.05)
    assert night.returncode == 0
    assert reads > 10


def broken_rules(lake: Path, tmp_path: Path) -> tuple[dict[str, str], str]:
    rules = tmp_path / "rules"
    shutil.copytree(PROJECT / "dbt_project" / "rules", rules)
    points = rules / "programme" / "points.yml"
    points.write_text(
        points.read_text(encoding="utf-8").replace("value: 100,", "value: many,"), encoding="utf-8"
    )
    return {"RULES_DIR": str(rules)}, "points.yml:3"


def missing_landing(lake: Path, tmp_path: Path) -> tuple[dict[str, str], str]:
    for folder in (lake / "landing").glob(f"*/{NEXT_NIGHT.isoformat()}"):
        shutil.rmtree(folder)
    return {}, str(lake / "landing")


def unwritable_lake(lake: Path, tmp_path: Path) -> tuple[dict[str, str], str]:
    # A file where the lake should be: nobody can write below it, not even root.
    blocked = tmp_path / "blocked"
    blocked.write_text("not a folder", encoding="utf-8")
    return {"LAKE_ROOT": str(blocked / "lake")}, str(blocked)


@pytest.mark.parametrize("breakage", [broken_rules, missing_landing, unwritable_lake])
def test_something_broken_ends_in_one_clear_line_and_nothing_is_published(
    next_lake: Path, tmp_path: Path, breakage: object
) -> None:
    before = manifest(next_lake)
    changes, place = breakage(next_lake, tmp_path)  # type: ignore[operator]
    done = run_command(next_lake, "dags", "run", "--date", NEXT_NIGHT.isoformat(), **changes)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert place in line
    assert "Traceback" not in done.stdout + done.stderr
    assert manifest(next_lake) == before


def test_a_member_of_four_names_stops_the_night_until_somebody_decides(next_lake: Path) -> None:
    # A clerk registered four guests with one document. G11 to G13 may stay one: three names.
    names = {"G11": "张伟", "G12": "刘洋", "G13": "陈静", "G14": "杨磊"}
    guests = [
        {
            "guest_id": guest,
            "guest_name": name,
            "id_document": "11010519491231002X",
            "created_date": NEXT_NIGHT,
            "is_marketing_consented": False,
        }
        for guest, name in names.items()
    ]
    hotel = load_source(load_settings({}).dbt_project, "hotel")
    write_delivery(Lake(next_lake), hotel, NEXT_NIGHT, {"guests": pl.DataFrame(guests)})
    night = ("dags", "run", "--date", NEXT_NIGHT.isoformat())
    before = manifest(next_lake)
    done = run_command(next_lake, *night)
    assert done.returncode == 1
    assert "I9 " in done.stderr
    assert "1 of 2 violate it; look at python -m identity_resolution review" in done.stderr
    assert manifest(next_lake) == before

    decide = ("identity_resolution", "decide", "cannot-link", "hotel:G11", "hotel:G14")
    must_run(next_lake, *decide, "--by", "reviewer", "--why", "two faces")
    must_run(next_lake, *night)
    with duckdb.connect(
        next_lake / "published" / "current" / "marts.duckdb", read_only=True
    ) as marts:
        members = marts.execute(
            "select string_agg(account_id, ' ' order by account_id), bool_or(is_held)"
            " from dim_member_accounts where account_id like 'G1_' group by member_id order by 1"
        )
        assert members.fetchall() == [("G11 G12 G13", False), ("G14", False)]
        reviews = marts.execute(
            "select low_account_id, high_account_id, rule, reason, value_type, link_count"
            " from fct_identity_reviews"
        )
        assert reviews.fetchall() == [
            ("G11", "G14", "same_id_document", "cannot_link", "id_document", 1)
        ]
        quality = marts.execute(
            "select business_date, member_count, members_over_names_count,"
            " largest_member_account_count, previous_largest_member_account_count"
            " from fct_identity_quality"
        )
        assert quality.fetchall() == [(NEXT_NIGHT, 4, 0, 3, 2)]


@pytest.mark.parametrize("text", ["2026-02-30", "tomorrow", "20261031"])
def test_a_wrong_date_is_refused_in_one_line(worked_lake: Path, text: str) -> None:
    done = run_command(worked_lake, "dags", "run", "--date", text)
    assert done.returncode != 0
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert text in line


def test_a_date_before_the_published_one_is_refused(worked_lake: Path) -> None:
    done = run_command(worked_lake, "dags", "run", "--date", "2026-10-29")
    assert done.returncode == 1
    assert done.stderr.count("error: ") == 1


def test_every_rule_bearing_model_passes_its_unit_tests(worked_lake: Path) -> None:
    """Unit tests need the relations of a night: they run on the worked example's database."""
    said = must_run(worked_lake, "dags", "dbt", "test", "--select", "test_type:unit")
    assert "Completed successfully" in said
