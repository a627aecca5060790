"""What Airflow calls when a task has failed or waits for an answer, or a deadline has passed: the
one place that alarms.

Airflow itself is not imported: it hands over what happened as a context.
"""

from collections.abc import Mapping
from typing import Any

from dags.alarms import alarm, kind_of

CHARACTERS = 300


def task_failed(context: Mapping[str, Any]) -> None:
    """Tell people that a task has failed and is not tried again."""
    task = context["ti"]
    reason = " ".join(str(context.get("exception") or "").split())[:CHARACTERS]
    text = f"{task.dag_id}, {task.task_id} of {task.run_id}: {reason}\n{task.log_url}"
    alarm(kind_of(task.task_id), f"{task.dag_id}/{task.run_id}/{task.task_id}", text)


def answer_awaited(context: Mapping[str, Any]) -> None:
    """Tell people that a task waits for the answer of one of them."""
    task = context["ti"]
    where = f"{task.dag_id}, {task.task_id}: under Required actions"
    text = f"{context['task'].subject}\n{where}\n{task.log_url}"
    alarm("waiting", f"{task.dag_id}/{task.run_id}/{task.task_id}", text)


def deadline_missed(context: Mapping[str, Any]) -> None:
    """Tell people that a scheduled night is at work past the hour at which readers expect it."""
    run, deadline = context["dag_run"], context["deadline"]
    text = f"{run['dag_id']}, {run['dag_run_id']}: not done at {deadline['deadline_time']}"
    alarm("late", f"{run['dag_id']}/{run['dag_run_id']}", text)
