"""The command line: what it prints, refuses and ends with. Nothing here runs a night."""

import os
import subprocess
from pathlib import Path

import pytest

from dags.pipeline import from_step, in_order, monthly, nightly
from dags.runner import run_lock
from tests.warm import run_warm


def dags(lake: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m dags …` on a lake of its own."""
    places = {"LAKE_ROOT": str(lake), "KEYS_FILE": str(lake.parent / "keys.json")}
    return run_warm(("dags", *arguments), os.environ | places)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--date", "2026-02-30"], "2026-02-30 is no date"),
        (["run", "--date", "31.03.2026"], "31.03.2026 is no date"),
        (["run"], "the following arguments are required: --date"),
        (["close", "--period", "2026-13"], "2026-13 is no month"),
        (["demo", "--nights", "0"], "0 is no number of 1 or more"),
        (["run", "--date", "2026-03-31", "--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = dags(tmp_path / "lake", *arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert not (tmp_path / "lake").exists()


def test_dates_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    done = dags(tmp_path / "lake", "backfill", "--from", "2026-03-02", "--to", "2026-03-01")
    assert done.returncode == 1
    assert done.stderr == "error: --from 2026-03-02 is after --to 2026-03-01\n"


def test_a_lake_that_cannot_be_made_is_one_line_and_status_1(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file where a folder should be")
    done = dags(tmp_path / "lake", "run", "--date", "2026-03-31")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "cannot write" in done.stderr
    assert str(tmp_path / "lake") in done.stderr


def test_a_missing_landing_folder_stops_the_night_at_its_door(tmp_path: Path) -> None:
    done = dags(tmp_path / "lake", "run", "--date", "2026-03-31")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
    assert "open" in done.stdout
    assert "load_rules" not in done.stdout
    assert not (tmp_path / "lake" / "published").exists()


def test_going_on_from_an_unknown_step_lists_the_steps_there_are(tmp_path: Path) -> None:
    done = dags(tmp_path / "lake", "run", "--date", "2026-03-31", "--from-step", "bulid")
    assert done.returncode == 1
    assert "no step bulid; there are open, load_hotel" in done.stderr


def test_going_on_with_another_night_than_the_one_in_work_is_refused(tmp_path: Path) -> None:
    with run_lock(tmp_path / "lake") as lock:
        lock.remember("2026-03-30")
    done = dags(tmp_path / "lake", "run", "--date", "2026-03-31", "--from-step", "build")
    assert done.returncode == 1
    assert "holds the night 2026-03-30, not 2026-03-31" in done.stderr


def test_explain_prints_every_step_with_its_command_and_runs_nothing(tmp_path: Path) -> None:
    done = dags(tmp_path / "lake", "explain", "--date", "2026-03-31")
    assert done.returncode == 0
    for step in [*nightly(), *monthly()]:
        values = {"date": "2026-03-31", "replace": "", "period": "2026-03"}
        assert f"\n  {step.name}: {step.doc}\n" in done.stdout
        assert f"command  python -m {' '.join(step.arguments(values))}\n" in done.stdout
    assert not (tmp_path / "lake").exists()


def test_the_doctor_looks_at_everything_and_makes_nothing(tmp_path: Path) -> None:
    done = dags(tmp_path / "lake", "doctor")
    assert done.returncode == 0, done.stdout
    subjects = [line.split()[1] for line in done.stdout.splitlines()]
    assert subjects[:5] == ["python", "packages", "engine", "lake", "disk"]
    assert subjects[-1] == "published"
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    ("engine", "java", "status", "said"),
    [
        ("duckdb", None, 0, "ok     engine     duckdb\n"),
        ("spark", None, 0, "ok     engine     spark: "),
        ("spark", "nowhere", 1, "wrong  engine     no Java at nowhere/bin/java; run make spark"),
        ("sparkk", None, 1, "wrong  engine     ENGINE 'sparkk' is unknown"),
    ],
)
def test_the_doctor_looks_at_the_engine_that_is_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    java: str | None,
    status: int,
    said: str,
) -> None:
    monkeypatch.setenv("ENGINE", engine)
    if java:
        monkeypatch.setenv("JAVA_HOME", java)
    done = dags(tmp_path / "lake", "doctor")
    assert said in done.stdout
    assert (done.returncode, done.stderr) == (status, "")


def test_the_doctor_refuses_keys_that_others_can_read(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    (tmp_path / "keys.json").chmod(0o644)
    done = dags(tmp_path / "lake", "doctor")
    assert done.returncode == 1
    assert "can be read by others; chmod 600 it" in done.stdout


def test_every_source_with_a_contract_has_a_load_step_and_a_new_one_needs_no_line(
    tmp_path: Path,
) -> None:
    for source in ("zoo", "cinema"):
        (tmp_path / source).mkdir()
        (tmp_path / source / f"_{source}__sources.yml").touch()
    (tmp_path / "notes").mkdir()
    steps = {step.name: step for step in nightly(tmp_path)}
    assert [name for name in steps if name.startswith("load_")] == [
        *("load_cinema", "load_zoo", "load_rules")
    ]
    assert steps["gate"].after == ("load_cinema", "load_zoo")
    assert steps["stage"].after == ("gate", "load_rules")


def test_the_night_starts_with_open_and_ends_with_export() -> None:
    names = [step.name for step in in_order(nightly())]
    assert names[0] == "open"
    assert names[-3:] == ["verify", "publish", "export"]


def test_going_on_from_a_step_keeps_what_comes_after_it_and_nothing_beside_it() -> None:
    steps = {step.name: step.after for step in from_step(nightly(), "build")}
    assert steps == {
        "build": (),
        "verify": ("build",),
        "publish": ("verify",),
        "export": ("publish",),
    }
    assert set(from_step(nightly(), "load_rules")[1].after) == {"load_rules"}


def test_a_circle_of_steps_is_refused() -> None:
    first, *others = monthly()
    circle = [type(first)("close", first.command, ("statements",), first.doc), *others]
    with pytest.raises(ValueError, match="wait for each other"):
        list(in_order(circle))


@pytest.mark.parametrize(
    ("engine", "command"),
    [("duckdb", "dbt.cli.main"), ("spark", "ingest.core.spark dbt")],
)
def test_the_engine_decides_how_dbt_is_started_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, engine: str, command: str
) -> None:
    values = {"date": "2026-03-31", "replace": ""}
    monkeypatch.delenv("ENGINE", raising=False)
    plain = {step.name: step.line(values) for step in nightly()}
    monkeypatch.setenv("ENGINE", engine)
    lines = {step.name: step.line(values) for step in nightly()}
    assert lines["stage"] == f"{command} --no-write-json run --selector stage"
    assert {name for name in lines if lines[name] != plain[name]} <= {
        *("stage", "activities", "rate", "build"),
    }
