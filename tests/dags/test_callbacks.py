"""Whom Airflow's callbacks tell, and what."""

from types import SimpleNamespace

import pytest

from dags import callbacks

Alarm = tuple[str, str, str]


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> list[Alarm]:
    told: list[Alarm] = []
    monkeypatch.setattr(callbacks, "alarm", lambda *said: told.append(said))
    return told


@pytest.mark.parametrize(
    ("dag", "task", "kind"),
    [
        ("nightly", "build", "failed"),
        ("nightly", "verify", "broken"),
        ("punctuality", "is_published", "late"),
        ("monthly_close", "ask_confirm", "failed"),
    ],
)
def test_a_failed_task_is_told_once_for_its_run_by_the_kind_of_what_failed(
    alarms: list[Alarm], dag: str, task: str, kind: str
) -> None:
    failed = SimpleNamespace(dag_id=dag, task_id=task, run_id="run 1", log_url="http://here/log")
    callbacks.task_failed({"ti": failed, "exception": ValueError("one\n  two")})
    assert alarms == [
        (kind, f"{dag}/run 1/{task}", f"{dag}, {task} of run 1: one two\nhttp://here/log")
    ]


def test_a_task_that_was_killed_has_no_reason_and_is_told_too(alarms: list[Alarm]) -> None:
    failed = SimpleNamespace(dag_id="nightly", task_id="build", run_id="run 1", log_url="log")
    callbacks.task_failed({"ti": failed})
    assert alarms == [("failed", "nightly/run 1/build", "nightly, build of run 1: \nlog")]


def test_a_night_past_its_deadline_is_late(alarms: list[Alarm]) -> None:
    callbacks.deadline_missed(
        {
            "dag_run": {"dag_id": "nightly", "dag_run_id": "scheduled__1"},
            "deadline": {"id": "1", "deadline_time": "2026-11-26T22:00:00Z"},
        }
    )
    assert alarms == [
        (
            "late",
            "nightly/scheduled__1",
            "nightly, scheduled__1: not done at 2026-11-26T22:00:00Z",
        )
    ]


def test_a_question_that_waits_for_an_answer_is_told_with_its_subject(alarms: list[Alarm]) -> None:
    asking = SimpleNamespace(
        dag_id="monthly_close", task_id="ask_review", run_id="run 1", log_url="http://here/log"
    )
    question = SimpleNamespace(subject="2026-03: are the frozen statements right?")
    callbacks.answer_awaited({"ti": asking, "task": question})
    assert alarms == [
        (
            "waiting",
            "monthly_close/run 1/ask_review",
            (
                "2026-03: are the frozen statements right?\n"
                "monthly_close, ask_review: under Required actions\nhttp://here/log"
            ),
        )
    ]
