"""What the tests ask of Airflow itself, in a process that has Airflow's environment.

`graph` prints what Airflow reads from the DAG files; `run <date>` runs the nightly DAG for one date
in Airflow's database and prints how each task ended. The answer is the last line, as JSON.
"""

import json
import sys
from typing import Any

from airflow.dag_processing.dagbag import DagBag


def graph() -> dict[str, Any]:
    """The DAGs, their edges and commands, and what Airflow could not read."""
    bag = DagBag()
    dags = {
        name: {
            "edges": sorted(
                [up, task.task_id] for task in dag.tasks for up in task.upstream_task_ids
            ),
            "commands": {task.task_id: task.bash_command for task in commands(dag)},
            "questions": {task.task_id: task.subject for task in questions(dag)},
            "answers": {
                task.task_id: task.env["ANSWERED_BY"]
                for task in commands(dag)
                if "ANSWERED_BY" in task.env
            },
            "fails_on_no": all(task.fail_on_reject for task in questions(dag)),
            "skipping": sorted({code for task in commands(dag) for code in task.skip_on_exit_code}),
            "without_runbook": [
                task.task_id for task in dag.tasks if "*When it fails" not in task.doc_md
            ],
            "catchup": dag.catchup,
            "max_active_runs": dag.max_active_runs,
        }
        for name, dag in bag.dags.items()
    }
    return {"dags": dags, "errors": bag.import_errors}


def commands(dag: Any) -> list[Any]:
    """The tasks that run a command."""
    return [task for task in dag.tasks if hasattr(task, "bash_command")]


def questions(dag: Any) -> list[Any]:
    """The tasks that a person answers."""
    return [task for task in dag.tasks if not hasattr(task, "bash_command")]


def run(business_date: str) -> dict[str, Any]:
    """The nightly DAG for one date, one task after the other."""
    run = DagBag().dags["nightly"].test(run_conf={"business_date": business_date})
    return {
        "state": str(run.state),
        "tasks": {task.task_id: str(task.state) for task in run.get_task_instances()},
    }


if __name__ == "__main__":
    answer = graph() if sys.argv[1] == "graph" else run(sys.argv[2])
    print()
    print(json.dumps(answer))
