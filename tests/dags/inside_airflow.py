"""What the tests ask of Airflow itself, in a process that has Airflow's environment.

`graph` prints what Airflow reads from the DAG files; `run <date>` runs the nightly DAG for one date
in Airflow's database and prints how each task ended; `close <month> <person> <person>` runs the
monthly DAG, and the people approve one question each. The answer is the last line, as JSON.
"""

import json
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select

PATIENCE_SECONDS = 300


def graph() -> dict[str, Any]:
    """The DAGs, their edges and commands, and what Airflow could not read."""
    bag = DagBag()
    dags = {
        name: {
            "edges": sorted(
                [up, task.task_id] for task in dag.tasks for up in task.upstream_task_ids
            ),
            "commands": {task.task_id: task.bash_command for task in commands(dag)},
            "waits": waits(dag),
            "tells_of_questions": [
                task.task_id for task in questions(dag) if len(task.notifiers) == 1
            ],
            "questions": {task.task_id: task.subject for task in questions(dag)},
            "answers": {
                task.task_id: task.env["ANSWERED_BY"]
                for task in commands(dag)
                if "ANSWERED_BY" in task.env
            },
            "retries": {task.task_id: task.retries for task in commands(dag)},
            "owners": sorted({task.owner for task in dag.tasks}),
            "fails_on_no": all(task.fail_on_reject for task in questions(dag)),
            "skipping": sorted({code for task in commands(dag) for code in task.skip_on_exit_code}),
            "without_runbook": [
                task.task_id for task in dag.tasks if "*When it fails" not in task.doc_md
            ],
            "pools": sorted({task.pool for task in commands(dag)}),
            "without_callback": [
                task.task_id for task in dag.tasks if not task.on_failure_callback
            ],
            "outlets": {
                task.task_id: [each.name for each in task.outlets]
                for task in dag.tasks
                if task.outlets
            },
            "deadline": deadline(dag),
            "catchup": dag.catchup,
            "max_active_runs": dag.max_active_runs,
        }
        for name, dag in bag.dags.items()
    }
    return {"dags": dags, "errors": bag.import_errors}


def deadline(dag: Any) -> dict[str, Any] | None:
    """When a run of a DAG is late, and what is called then."""
    for alert in dag.deadline or []:
        return {
            "reference": alert.reference.reference_name,
            "hours": alert.interval.total_seconds() / 3600,
            "callback": alert.callback.path,
        }
    return None


def commands(dag: Any) -> list[Any]:
    """The tasks that run a command."""
    return [task for task in dag.tasks if hasattr(task, "skip_on_exit_code")]


def waits(dag: Any) -> dict[str, Any]:
    """The tasks that wait: what they ask, how, and whether the asking holds a place of writers."""
    return {
        task.task_id: {"asks": task.bash_command, "mode": task.mode, "pool": task.pool}
        for task in dag.tasks
        if hasattr(task, "poke")
    }


def questions(dag: Any) -> list[Any]:
    """The tasks that a person answers."""
    return [task for task in dag.tasks if hasattr(task, "subject")]


def run(business_date: str) -> dict[str, Any]:
    """The nightly DAG for one date, one task after the other."""
    dag = DagBag().dags["nightly"]
    dag.deadline = None  # Airflow 3.3.2 ends a run outside its scheduler by asking for its number
    return ended(dag.test(run_conf={"business_date": business_date}))


def close(period: str, *people: str) -> dict[str, Any]:
    """The monthly DAG, while people say yes on the page of Airflow, one after the other."""
    answering = threading.Thread(target=approve, args=(people,), daemon=True)
    answering.start()
    return ended(DagBag().dags["monthly_close"].test(run_conf={"period": period}))


def approve(people: tuple[str, ...]) -> None:
    """Answer each question as the next of the people, by what the page's button calls."""
    waiting = list(people)
    until = time.monotonic() + PATIENCE_SECONDS
    while waiting and time.monotonic() < until:
        time.sleep(0.5)
        with create_session() as session:
            open_one = (
                select(TaskInstance)
                .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
                .where(HITLDetail.responded_at.is_(None), TaskInstance.state == "awaiting_input")
            )
            for task in session.scalars(open_one):
                person = waiting.pop(0)
                update_hitl_detail(
                    task.dag_id,
                    task.run_id,
                    task.task_id,
                    UpdateHITLDetailPayload(chosen_options=["Approve"], params_input={}),
                    SimpleNamespace(get_id=lambda of=person: of, get_name=lambda of=person: of),
                    session,
                )


def ended(run: Any) -> dict[str, Any]:
    """How a run and its tasks ended."""
    return {
        "state": str(run.state),
        "tasks": {task.task_id: str(task.state) for task in run.get_task_instances()},
        "events": asset_events(),
    }


def asset_events() -> list[dict[str, Any]]:
    """What the events of assets say so far."""
    with create_session() as session:
        return [event.extra for event in session.scalars(select(AssetEvent))]


if __name__ == "__main__":
    asked = {"graph": graph, "run": run, "close": close}[sys.argv[1]]
    answer = asked(*sys.argv[2:])
    print()
    print(json.dumps(answer))
