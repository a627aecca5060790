"""The same night on DuckDB and on Spark, compared value by value."""

import shutil
from pathlib import Path

import duckdb
import pytest
from pyspark.errors import PySparkException

from ingest.core.errors import Problem
from ingest.core.spark import spark_problem
from tests.parity import eventful_group
from tests.parity.differences import differences
from tests.pipeline import worked_example
from tests.pipeline.nights import must_run, run_command

HAPPENED = {
    "a file came late": (
        "select count(*) from fct_activities where source = 'parking'"
        " and business_date = '2026-10-30' and load_date = '2026-10-31'"
    ),
    "a paid amount was corrected": (
        "select count(*) from fct_points_entries where is_reversal and source = 'parking'"
    ),
    "an order was refunded": (
        "select count(*) from fct_activities where activity_type = 'refund'"
        " and load_date > '2026-10-29'"
    ),
    "two members became one": (
        "select count(*) from fct_member_id_changes where reason = 'merge'"
        " and posted_date > '2026-10-29'"
    ),
    "a tier changed": "select count(*) from fct_tier_changes where posted_date > '2026-10-29'",
    "records were compared": "select count(*) from dim_member_accounts where rule = 'compared'",
    "people were known": "select count(*) from fct_identity_evaluation",
}


def version(lake: Path, night: str) -> Path:
    """The marts that a night published."""
    (folder,) = (lake / "published").glob(f"{night}-*")
    return folder / "marts.duckdb"


@pytest.mark.long
def test_a_night_on_spark_publishes_what_duckdb_publishes(worked_lake: Path) -> None:
    night = worked_example.NIGHTS[0].isoformat()
    lake = worked_lake.parent / "spark"  # beside the other one, so with the same keys
    shutil.copytree(worked_lake / "landing", lake / "landing")
    must_run(lake, "dags", "run", "--date", night, engine="spark")
    assert differences(version(worked_lake, night), version(lake, night)) == []


@pytest.mark.long
def test_four_eventful_nights_are_the_same_on_both_engines(tmp_path: Path) -> None:
    lakes = {engine: tmp_path / engine for engine in ("duckdb", "spark")}
    eventful_group.write_landing(lakes["duckdb"])
    for folder in ("landing", "decisions"):
        shutil.copytree(lakes["duckdb"] / folder, lakes["spark"] / folder)
    first, last = (eventful_group.NIGHTS[place].isoformat() for place in (0, -1))
    for engine, lake in lakes.items():
        print(must_run(lake, "dags", "backfill", "--from", first, "--to", last, engine=engine))
    with duckdb.connect(version(lakes["duckdb"], last), read_only=True) as marts:
        counts = {what: marts.execute(query).fetchall()[0][0] for what, query in HAPPENED.items()}
    print(counts)
    assert all(counts.values()), f"this did not happen: {counts}"
    for night in eventful_group.NIGHTS:
        one, other = (version(lake, night.isoformat()) for lake in lakes.values())
        found = differences(one, other)
        print(f"{night}: {len(found)} differing rows")
        assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"ENGINE": "sparkk"}, "error: ENGINE 'sparkk' is unknown; it is one of duckdb, spark"),
        ({"JAVA_HOME": "nowhere"}, "error: no Java at nowhere/bin/java; run make spark-setup"),
        ({"SPARK_CONF_DIR": "nowhere"}, "error: no nowhere/spark-defaults.conf; SPARK_CONF_DIR"),
    ],
)
def test_a_machine_that_cannot_run_spark_is_told_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], message: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    lake = tmp_path / "lake"
    engine = environment.get("ENGINE", "spark")
    done = run_command(lake, "dags", "run", "--date", "2026-10-29", engine=engine)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert not lake.exists()


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("spark.master sparkk://nowhere", "Could not parse Master URL"),
        (
            "spark.hadoop.javax.jdo.option.ConnectionURL jdbc:derby:;databaseName=none",
            "Database 'none' not found",
        ),
    ],
)
def test_a_wrong_profile_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, reason: str
) -> None:
    (tmp_path / "spark-defaults.conf").write_text(f"{setting}\n", encoding="utf-8")
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    lake = tmp_path / "lake"
    done = run_command(lake, "dags", "run", "--date", "2026-10-29", engine="spark")
    assert done.returncode == 1
    assert done.stderr.startswith("error: Spark does not start: ")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path.name for path in lake.glob("*")} <= {"work"}  # where Derby writes its log


def test_the_problem_of_a_function_that_spark_runs_is_what_a_person_reads() -> None:
    said = "Traceback (most recent call last):\ningest.core.errors.Problem: it is not sorted\n"
    with (
        pytest.raises(Problem, match=r"^Spark cannot fold it: it is not sorted$"),
        spark_problem("Spark cannot fold it"),
    ):
        raise PySparkException(said)
