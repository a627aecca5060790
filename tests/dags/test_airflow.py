"""Airflow's DAGs are the pipeline: the same graph, the same commands, and a night runs in it."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dags.pipeline import PROJECT, Step, attended, nightly, parts
from dags.rendering import business_date, period, runbook
from dags.runs import read_runs
from dags.services import airflow_environment
from tests.exports.closing_group import JAN_31, A, B, Group, history
from tests.exports.closing_group import manifest as manifest_of
from tests.exports.test_alarms import listening

NIGHT = "2026-10-31"
LONG_AGO = "2020-10-31"  # whatever the time is, every deadline has passed


def in_airflow(home: Path, lake: Path, *arguments: str) -> str:
    """Run Python with Airflow's environment, a database of its own and a lake; what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=os.environ
        | airflow_environment(home)
        | {"LAKE_ROOT": str(lake), "KEYS_FILE": str(lake.parent / "keys.json")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def ask(home: Path, lake: Path, *arguments: str) -> dict[str, Any]:
    """The answer of one question of inside_airflow."""
    printed = in_airflow(home, lake, "-m", "tests.dags.inside_airflow", *arguments)
    answer: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return answer


@pytest.fixture(scope="session")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("airflow")
    return ask(home, home / "lake", "graph")


def edges(steps: list[Step]) -> list[list[str]]:
    return sorted([name, step.name] for step in steps for name in step.after)


def test_airflow_reads_the_dag_files_and_nothing_else(graphs: dict[str, Any]) -> None:
    assert graphs["errors"] == {}
    assert set(graphs["dags"]) == {"nightly", "backfill", "monthly_close", "punctuality"}


def test_the_close_of_airflow_has_the_steps_of_the_pipeline(graphs: dict[str, Any]) -> None:
    dag = graphs["dags"]["monthly_close"]
    assert {*dag["commands"], *dag["questions"]} == {step.name for step in attended()}
    assert dag["edges"] == edges(attended())
    values = {"period": "{{ period(params, dag_run) }}", "by": '"$ANSWERED_BY"'}
    assert dag["commands"] == {
        step.name: f'exec "$ONEMEMBER_PYTHON" -m dags step {step.name} {step.line(values)}'
        for step in attended()
        if not step.question
    }


def test_the_night_of_airflow_is_the_parts_of_the_pipeline_in_their_order(
    graphs: dict[str, Any],
) -> None:
    dag, names = graphs["dags"]["nightly"], [part.name for part in parts()]
    in_order = ["await_deliveries", *names]
    assert dag["edges"] == sorted([before, after] for before, after in pairwise(in_order))
    when = "--date {{ business_date(params, dag_run) }} {{ '--replace' if params.replace else '' }}"
    assert dag["commands"] == {
        name: f'exec "$ONEMEMBER_PYTHON" -m dags part {name} {when}' for name in names
    }


def test_a_night_waits_for_deliveries_unless_told_not_to_and_holds_no_place_meanwhile(
    graphs: dict[str, Any],
) -> None:
    now = """--at "$(date -u +%Y-%m-%dT%H:%M:%S+00:00)\""""
    when = (
        f"--date {{{{ business_date(params, dag_run) }}}} {{{{ '{now}' if params.wait else '' }}}}"
    )
    assert graphs["dags"]["nightly"]["waits"] == {
        "await_deliveries": {
            "asks": f'exec "$ONEMEMBER_PYTHON" -m dags awaited {when}',
            "mode": "reschedule",
            "pool": "default_pool",
        }
    }


TASKS = """
import json
from dags.tasks import Command, Waiting
terms = {"env": {"MORE": "there"}, "append_env": True, "cwd": "."}
told = {}
for said, status in (("", 0), ("", 75), ("a line; echo error: no rules.yml $MORE", 1)):
    line = f"echo {said}; exit {status}"
    for kind in (Command, Waiting):
        task = kind(task_id=f"{kind.__name__}_{status}", bash_command=line, **terms)
        try:
            answer = task.poke({}) if kind is Waiting else task.execute({})
        except Exception as failure:
            answer = [type(failure).__name__, str(failure)]
        told[task.task_id] = answer
print(json.dumps(told))
"""


def test_a_command_that_fails_says_in_airflow_what_it_said_and_75_is_to_wait(
    tmp_path: Path,
) -> None:
    told = json.loads(in_airflow(tmp_path, tmp_path / "lake", "-c", TASKS).splitlines()[-1])
    assert (told["Waiting_0"], told["Waiting_75"]) == (True, False)
    assert told["Command_1"] == ["AirflowException", "error: no rules.yml there"]
    assert told["Waiting_1"] == ["AirflowFailException", "error: no rules.yml there"]


def test_the_parts_hold_each_step_of_the_night_once_and_none_waits_for_a_later_part() -> None:
    done: list[str] = []
    for part in parts():
        names = [step.name for step in part.steps]
        assert all({*done, *names}.issuperset(step.after) for step in part.steps), part.name
        done += names
    assert sorted(done) == sorted(step.name for step in nightly())


def test_a_month_is_closed_in_airflow_by_two_people_and_a_no_fails_it(
    graphs: dict[str, Any],
) -> None:
    dag = graphs["dags"]["monthly_close"]
    assert set(dag["questions"]) == {"ask_review", "ask_confirm"}
    assert all("{{ period(params, dag_run) }}" in text for text in dag["questions"].values())
    assert dag["fails_on_no"] is True
    assert set(dag["tells_of_questions"]) == {"ask_review", "ask_confirm"}
    answered = {
        name: f"{{{{ ti.xcom_pull(task_ids='{of}')['responded_by_user']['name'] }}}}"
        for name, of in (
            ("review", "ask_review"),
            ("confirm", "ask_confirm"),
            ("close", "ask_confirm"),
        )
    }
    assert dag["answers"] == answered


@pytest.mark.parametrize("name", ["nightly", "monthly_close"])
def test_airflow_runs_one_at_a_time_never_catches_up_and_skips_on_99(
    graphs: dict[str, Any], name: str
) -> None:
    dag = graphs["dags"][name]
    assert dag["max_active_runs"] == 1
    assert dag["catchup"] is False
    assert dag["skipping"] == [99]


@pytest.mark.parametrize("name", ["nightly", "backfill", "monthly_close", "punctuality"])
def test_every_task_says_what_to_do_when_it_fails(graphs: dict[str, Any], name: str) -> None:
    assert graphs["dags"][name]["without_runbook"] == []


def test_a_failed_task_is_tried_again_unless_a_person_has_to_mend_it_first(
    graphs: dict[str, Any],
) -> None:
    retries = graphs["dags"]["nightly"]["retries"]
    assert retries == {
        "open": 0, "load": 1, "members": 1, "points": 1, "build": 1, "verify": 0, "publish": 1,
        "export": 1,
    }  # fmt: skip
    closing = {step.name: step.retries for step in attended() if not step.question}
    assert graphs["dags"]["monthly_close"]["retries"] == closing


def test_whatever_writes_into_the_lake_does_so_alone(graphs: dict[str, Any]) -> None:
    pools = json.loads((PROJECT / "dags" / "pools.json").read_text(encoding="utf-8"))
    assert pools["lake"]["slots"] == 1
    for name in ("nightly", "monthly_close"):
        assert graphs["dags"][name]["pools"] == ["lake"], name


def test_people_are_told_when_a_task_of_any_dag_fails(graphs: dict[str, Any]) -> None:
    for name, dag in graphs["dags"].items():
        assert dag["without_callback"] == [], name


def test_a_scheduled_night_is_late_at_six_of_the_morning_after_its_date(
    graphs: dict[str, Any],
) -> None:
    # Logical date 04:30 of the business date; 06:00 of the next day is 25 h 30 min later.
    assert graphs["dags"]["nightly"]["deadline"] == {
        "reference": "DagRunLogicalDateDeadline",
        "hours": 25.5,
        "callback": "dags.callbacks.deadline_missed",
    }


def test_publishing_is_an_event_that_other_dags_can_wait_for(graphs: dict[str, Any]) -> None:
    assert graphs["dags"]["nightly"]["outlets"] == {"publish": ["onemember_published"]}


def test_every_dag_has_an_owner(graphs: dict[str, Any]) -> None:
    owners = {name: dag["owners"] for name, dag in graphs["dags"].items()}
    assert owners == {
        "nightly": ["data-team"], "backfill": ["data-team"], "monthly_close": ["finance"],
        "punctuality": ["data-team"],
    }  # fmt: skip


def test_the_alarm_asks_for_the_business_date_of_the_night_before(graphs: dict[str, Any]) -> None:
    command = "dags status --date {{ business_date(params, dag_run) }}"
    assert graphs["dags"]["punctuality"]["commands"] == {
        "is_published": f'exec "$ONEMEMBER_PYTHON" -m {command}'
    }
    # Scheduled at 06:00 of 1 April in Shanghai, for the day that ended at 04:00.
    run = SimpleNamespace(data_interval_start=at("2026-03-30T22:00"), run_after=None)
    assert business_date({}, run) == "2026-03-31"


def test_the_runbook_of_a_load_is_that_of_all_loads_but_not_of_the_rules() -> None:
    assert runbook("load_pos") == runbook("load_hotel")
    assert "quarantine" in runbook("load_pos")
    assert "quarantine" not in runbook("load_rules")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("params", "interval_start", "run_after", "expected"),
    [
        # Scheduled: 04:30 of 1 April in Shanghai is 20:30 UTC of 31 March.
        ({"business_date": None}, "2026-03-30T20:30", "2026-03-31T20:30", "2026-03-31"),
        # Triggered by a person, without an interval, just before and after the night could start.
        ({"business_date": None}, None, "2026-03-31T20:29", "2026-03-30"),
        ({"business_date": None}, None, "2026-03-31T20:30", "2026-03-31"),
        # The parameter is stronger than any time.
        ({"business_date": "2026-02-28"}, "2026-03-30T20:30", "2026-03-31T20:30", "2026-02-28"),
    ],
)
def test_a_run_knows_its_business_date(
    params: dict[str, Any], interval_start: str | None, run_after: str, expected: str
) -> None:
    start = at(interval_start) if interval_start else None
    run = SimpleNamespace(data_interval_start=start, run_after=at(run_after))
    assert business_date(params, run) == expected


def test_a_business_date_that_is_none_is_refused() -> None:
    run = SimpleNamespace(data_interval_start=None, run_after=at("2026-03-31T20:30"))
    with pytest.raises(ValueError, match="day is out of range"):
        business_date({"business_date": "2026-02-30"}, run)


@pytest.mark.parametrize(
    ("given", "run_after", "expected"),
    [
        (None, "2026-03-31T23:59", "2026-03"),  # 1 April 07:59 in Shanghai
        (None, "2026-03-31T15:59", "2026-02"),  # 31 March 23:59 in Shanghai
        (None, "2026-01-01T00:00", "2025-12"),
        ("2026-01", "2026-03-31T23:59", "2026-01"),
    ],
)
def test_a_close_knows_its_month(given: str | None, run_after: str, expected: str) -> None:
    run = SimpleNamespace(data_interval_start=None, run_after=at(run_after))
    assert period({"period": given}, run) == expected


def test_a_night_runs_inside_airflow_and_publishes_what_the_command_line_would(
    tmp_path: Path,
) -> None:
    home, lake, twin = tmp_path / "airflow", tmp_path / "lake", tmp_path / "twin"
    demo = ["--people", "200", "--from", NIGHT, "--nights", "1", "--history-days", "40"]
    in_airflow(home, lake, "-m", "ingest", "keys")
    for root in (lake, twin):
        in_airflow(home, root, "-m", "ingest", "demo", *demo)
    in_airflow(home, lake, "-m", "airflow", "db", "migrate")

    night = ask(home, lake, "run", NIGHT)
    names = [part.name for part in parts()]
    assert night["tasks"] == dict.fromkeys(["await_deliveries", *names], "success")
    assert night["state"] == "success"

    in_airflow(home, twin, "-m", "dags", "run", "--date", NIGHT)
    assert manifest(lake)["digest"] == manifest(twin)["digest"]
    said = {name: manifest(lake)[name] for name in ("business_date", "version", "digest")}
    assert night["events"] == [said]

    report = lake / "outbox" / "report" / NIGHT / "run_report.html"
    text = report.read_bytes()
    report.unlink()  # as if the task `export` had been killed, and the night is run again
    (lake / "metrics" / "to_export").write_text(f"{said['version']}\n")
    again = ask(home, lake, "run", NIGHT)
    assert report.read_bytes() == text
    skipped = dict.fromkeys(names, "skipped")
    assert again["tasks"] == {"await_deliveries": "success", **skipped}
    first, second = read_runs(lake)
    assert (first["label"], first["status"], second["status"]) == (NIGHT, "done", "nothing new")
    assert {*first["steps"]} == {step.name for step in nightly()} == {*read_runs(twin)[-1]["steps"]}
    assert again["events"] == [said]


def test_people_are_told_what_the_step_of_a_failed_task_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, lake = tmp_path / "airflow", tmp_path / "lake"
    in_airflow(home, lake, "-m", "ingest", "keys")
    in_airflow(home, lake, "-m", "airflow", "db", "migrate")
    with listening() as (url, came):
        (tmp_path / "urls").write_text(f"{url}\n")
        monkeypatch.setenv("ALARM_URLS_FILE", str(tmp_path / "urls"))
        night = ask(home, lake, "run", LONG_AGO)
    assert (night["tasks"]["await_deliveries"], night["tasks"]["open"]) == ("success", "failed")
    [alarm] = came
    assert f"error: no source has delivered anything for {LONG_AGO}; check" in alarm["message"]


def test_a_month_is_closed_inside_airflow_by_the_two_people_who_are_told_and_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, group = tmp_path / "airflow", Group(tmp_path)
    group.publish(JAN_31, A, B)
    shutil.copy(group.settings.keys_file, group.lake.root.parent / "keys.json")
    in_airflow(home, group.lake.root, "-m", "airflow", "db", "migrate")
    people = ('Wang "W" Fang; exit 1', "Li Qiang")
    with listening() as (url, came):
        (tmp_path / "urls").write_text(f"{url}\n")
        monkeypatch.setenv("ALARM_URLS_FILE", str(tmp_path / "urls"))
        closed = ask(home, group.lake.root, "close", "2026-01", *people)
    assert [(alarm["type"], alarm["message"].splitlines()[1]) for alarm in came] == [
        ("info", "2026-01: are the frozen statements right? 已冻结的结算单是否复核无误？"),
        ("info", "2026-01: do all parties agree? 各方是否已确认？"),
    ]
    assert closed["tasks"] == {step.name: "success" for step in attended()}
    assert [(step.step, step.by, step.state) for step in history(group).steps] == [
        ("freeze", "airflow", "frozen"),
        ("review", 'Wang "W" Fang; exit 1', "reviewed"),
        ("confirm", "Li Qiang", "confirmed"),
        ("close", "Li Qiang", "closed"),
    ]
    assert manifest_of(group, "2026-01")["confirmed_by"] == "Li Qiang　2026-01-31"


def manifest(lake: Path) -> dict[str, Any]:
    path = lake / "published" / "current" / "manifest.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
