"""The command line: what it prints, refuses and ends with. Nothing here runs a night."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dags.__main__ import COMMANDS
from dags.arguments import ARGUMENTS, EXAMPLES
from dags.pipeline import PROJECT, from_step, in_order, monthly, nightly
from dags.runner import run_lock
from dags.runs import read_runs
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


def test_the_command_onemember_works_from_any_folder(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("onemember")
    places = {"LAKE_ROOT": str(tmp_path / "lake"), "KEYS_FILE": str(tmp_path / "keys.json")}
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    asked = [command, "run", "--date", "2026-02-30"]
    done = subprocess.run(
        asked, cwd=tmp_path, env=plain | places, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "2026-02-30 is no date" in done.stderr) == (2, True)


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


def test_a_dry_run_fails_where_the_night_would_and_leaves_nothing(tmp_path: Path) -> None:
    delivery = tmp_path / "lake" / "landing" / "pos" / "2026-03-31" / "sales.csv"
    delivery.parent.mkdir(parents=True)
    delivery.write_text("12345")
    done = dags(tmp_path / "lake", "run", "--date", "2026-03-31", "--dry-run", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: the rehearsal failed in open, dry run: ")
    assert [path.name for path in (tmp_path / "lake").rglob("*") if path.is_file()] == ["sales.csv"]
    assert [path.name for path in (tmp_path / "lake").iterdir()] == ["landing"]


@pytest.mark.parametrize("other", [["--resume"], ["--from-step", "build"]])
def test_a_dry_run_is_of_a_whole_night(tmp_path: Path, other: list[str]) -> None:
    done = dags(tmp_path / "lake", "run", "--date", "2026-03-31", "--dry-run", *other)
    assert done.returncode == 2
    assert "not allowed with argument --dry-run" in done.stderr


def test_a_dry_run_ends_no_other_run(tmp_path: Path) -> None:
    with run_lock(tmp_path / "lake"):
        done = dags(tmp_path / "lake", "run", "--date", "2026-03-31", "--dry-run", "--take-over")
    assert done.returncode == 1
    assert done.stderr == "error: --dry-run ends no other run; leave out --take-over\n"


def test_a_program_gets_json_and_nothing_else_also_of_a_night_that_fails(tmp_path: Path) -> None:
    done = dags(tmp_path / "lake", "run", "--date", "2026-03-31", "--json")
    assert done.returncode == 1
    [night] = json.loads(done.stdout)
    assert (night["label"], night["status"]) == ("2026-03-31", "failed")
    [step] = night["steps"]
    assert (step["name"], step["code"]) == ("open", 1)
    [error] = step["errors"]
    assert error.startswith("error: ")
    assert done.stderr.splitlines()[-1] == error


def test_the_page_of_operations_lists_every_command_with_what_it_can_say_as_json() -> None:
    page = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for name, arguments in ARGUMENTS.items():
        [row, *_] = [row for row in rows if re.search(rf"`{name}\b", row)]
        is_json = any(argument.name == "--json" for argument in arguments)
        assert row.rstrip(" |").endswith("yes") == is_json, name


def test_every_command_has_arguments_and_all_but_airflows_own_an_example() -> None:
    assert list(COMMANDS) == list(ARGUMENTS)
    assert {*ARGUMENTS} - {*EXAMPLES} == {"part", "step", "beside"}


@pytest.mark.parametrize("name", ["rollback", "publish"])
def test_the_pointer_of_a_lake_without_a_publication_is_not_moved(
    tmp_path: Path, name: str
) -> None:
    done = dags(tmp_path / "lake", name, "--by", "LiMei", "--why", "wrong prices")
    assert done.returncode == 1
    assert "nothing was published in" in done.stderr
    assert not (tmp_path / "lake").exists()


def test_explain_prints_every_step_with_its_command_and_runs_nothing(tmp_path: Path) -> None:
    done = dags(tmp_path / "lake", "explain", "--date", "2026-03-31")
    assert done.returncode == 0
    for step in [*nightly(), *monthly()]:
        values = {"date": "2026-03-31", "replace": "", "period": "2026-03"}
        assert f"\n  {step.name}: {step.doc}\n" in done.stdout
        assert f"command  python -m {' '.join(step.arguments(values))}\n" in done.stdout
    assert not (tmp_path / "lake").exists()


def test_explain_tells_programs_the_same_steps(tmp_path: Path) -> None:
    told = json.loads(dags(tmp_path / "lake", "explain", "--date", "2026-03-31", "--json").stdout)
    assert {*told} == {"nightly", "close", "monthly_close"}
    values = {"date": "2026-03-31", "replace": ""}
    assert told["nightly"] == [
        {
            "name": step.name,
            "doc": step.doc,
            "after": [*step.after],
            "command": f"python -m {' '.join(step.arguments(values))}",
        }
        for step in nightly()
    ]
    asked = [step["name"] for step in told["monthly_close"] if "asks" in step]
    assert asked == ["ask_review", "ask_confirm"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["explain", "member", "M1", "--json"], "nothing was published in"),
        (["explain", "--json", "member", "M1"], "nothing was published in"),
        (["review", "--json"], "no night was resolved yet"),
        (["publish", "--by", "LiMei", "--why", "right", "--json"], "nothing was published in"),
        (["merge", "a:1", "b:2", "--by", "L", "--why", "w", "--json"], "no night was resolved"),
    ],
)
def test_where_there_is_no_answer_a_program_gets_nothing_but_the_error(
    tmp_path: Path, arguments: list[str], error: str
) -> None:
    done = dags(tmp_path / "lake", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert error in done.stderr


@pytest.mark.parametrize(("at", "status"), [("05:59:59", 75), ("06:00:00", 0)])
def test_a_night_is_not_awaited_any_longer_when_the_last_deadline_has_passed(
    tmp_path: Path, at: str, status: int
) -> None:
    asked = ("awaited", "--date", "2026-03-31", "--at", f"2026-04-01T{at}+08:00", "--json")
    done = dags(tmp_path / "lake", *asked)
    assert done.returncode == status
    told = {each["source"]: each["until"] for each in json.loads(done.stdout)}
    assert set(told.values()) == ({"2026-04-01T06:00:00+08:00"} if status else set())
    assert ("pos" in told, "payments" in told) == (bool(status), False)  # no figure depends on it
    assert not (tmp_path / "lake").exists()


def test_a_close_that_fails_is_told_to_programs_as_a_run_and_kept_as_one(tmp_path: Path) -> None:
    done = dags(tmp_path / "lake", "close", "--period", "2026-03", "--json")
    [run] = json.loads(done.stdout)
    assert (done.returncode, run["label"], run["status"]) == (1, "close-2026-03", "failed")
    assert run["steps"][0]["errors"]
    [kept] = read_runs(tmp_path / "lake")
    assert (kept["label"], kept["status"]) == ("close-2026-03", "failed")


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
