"""Airflow's rendering of the night: `dags/pipeline.py` holds the steps, this the time."""

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from dags.pipeline import TIME_ZONE
from dags.rendering import business_date, render_parts, runbook

with DAG(
    "nightly",
    description="The night of one business date, from the landing files to the published marts",
    doc_md=runbook(),
    schedule=CronDataIntervalTimetable(
        "30 4 * * *", timezone=TIME_ZONE
    ),  # NIGHT_STARTS in dags/rendering.py
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={
        "business_date": Param(
            None,
            type=["null", "string"],
            format="date",
            description="Empty: the business date that ended last",
        ),
        "replace": Param(
            False, type="boolean", description="Redo the latest night, as its files or rules differ"
        ),
    },
    user_defined_macros={"business_date": business_date},
    default_args={"owner": "data-team"},
    tags=["onemember"],
) as dag:
    render_parts(
        BashOperator,
        {
            "date": "{{ business_date(params, dag_run) }}",
            "replace": "{{ '--replace' if params.replace else '' }}",
        },
    )
