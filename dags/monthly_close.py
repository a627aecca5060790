"""Airflow's rendering of the monthly close: `dags/pipeline.py` holds the steps, this the time."""

from datetime import datetime
from functools import partial

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from dags.callbacks import task_failed
from dags.pipeline import TIME_ZONE, attended
from dags.rendering import period, render, runbook
from dags.tasks import Command, TellOfQuestion

with DAG(
    "monthly_close",
    description="The close of the month that ended last: frozen, reviewed, confirmed, closed",
    doc_md=runbook(),
    schedule=CronDataIntervalTimetable(
        "0 8 1 * *", timezone=TIME_ZONE
    ),  # the last night of the month is published
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={
        "period": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d{4}-\d{2}$",
            description="YYYY-MM; empty: the month that ended last",
        ),
    },
    user_defined_macros={"period": period},
    access_control={"finance_approver": {"DAGs": {"can_read", "can_edit"}}},  # dags/roles.json
    default_args={"owner": "finance", "on_failure_callback": task_failed},
    tags=["onemember"],
) as dag:
    render(
        Command,
        attended(),
        {"period": "{{ period(params, dag_run) }}"},
        asking=partial(ApprovalOperator, notifiers=[TellOfQuestion()]),
    )
