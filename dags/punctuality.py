"""Airflow's alarm at 06:00: the business date that ended last is not published.

It asks the lake and not the runs of the nightly DAG, so it also speaks when that one never began.
"""

from datetime import datetime

from airflow.sdk import DAG, CronDataIntervalTimetable

from dags.callbacks import task_failed
from dags.pipeline import TIME_ZONE
from dags.rendering import business_date, render_command, runbook
from dags.tasks import Command

with DAG(
    "punctuality",
    description="Fails at 06:00 unless the business date that ended last is published",
    doc_md=runbook("punctuality"),
    schedule=CronDataIntervalTimetable("0 6 * * *", timezone=TIME_ZONE),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    user_defined_macros={"business_date": business_date},
    default_args={"owner": "data-team", "on_failure_callback": task_failed},
    tags=["onemember"],
) as dag:
    render_command(
        Command,
        "is_published",
        "dags status --date {{ business_date(params, dag_run) }}",
        doc_md=runbook("punctuality"),
    )
