"""Airflow's backfill: the nights of a range of dates, one after the other.

A run of this DAG is one date: it triggers the nightly DAG, waits for it, and starts the run of the
next date. So nothing goes on behind a night that failed, and clearing a task goes on from there.
"""

from datetime import datetime
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dags.callbacks import task_failed
from dags.dates import ONE_DAY, next_night
from dags.pipeline import lake_root
from dags.rendering import ended, runbook
from dags.runner import Trouble


@task(multiple_outputs=True, doc_md=runbook("next_date"))
def next_date() -> dict[str, object]:
    """The date of this run, and the run after it; fails, in one line, on a range that is none."""
    context = get_current_context()
    params = context["params"]
    try:
        found = next_night(
            lake_root(), params["from_date"], params["to_date"], ended(context["dag_run"])
        )
    except Trouble as trouble:
        raise AirflowFailException(f"error: {trouble}") from None
    if found is None:
        raise AirflowSkipException(
            f"all nights up to {params['to_date']} are published; nothing was new"
        )
    following = {"from_date": str(found.night + ONE_DAY), "to_date": params["to_date"]}
    return {"date": str(found.night), "following": following, "is_last": found.is_last}


def end_after_last(context: dict[str, Any]) -> None:
    """Skip the task where this run is the last date of the range."""
    if context["ti"].xcom_pull(task_ids="next_date", key="is_last"):
        raise AirflowSkipException("this was the last date")


with DAG(
    "backfill",
    description="The nights of a range of business dates, one after the other",
    doc_md=runbook("backfill"),
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={
        "from_date": Param(type="string", format="date", description="First business date"),
        "to_date": Param(type="string", format="date", description="Last business date"),
    },
    default_args={"owner": "data-team", "on_failure_callback": task_failed},
    tags=["onemember"],
) as dag:
    checked = next_date()
    night = TriggerDagRunOperator(
        task_id="night",
        doc_md=runbook("night"),
        trigger_dag_id="nightly",
        trigger_run_id=f"backfill__{checked['date']}",
        conf={"business_date": checked["date"]},
        logical_date=None,
        reset_dag_run=True,  # a night that failed before
        fail_when_dag_is_paused=True,
        wait_for_completion=True,
        deferrable=True,  # waiting takes no place from the steps of the night
        poke_interval=2,
    )
    rest = TriggerDagRunOperator(
        task_id="go_on",
        doc_md=runbook("go_on"),
        trigger_dag_id="backfill",
        conf=checked["following"],
        logical_date=None,
        pre_execute=end_after_last,
    )
    checked >> night >> rest
