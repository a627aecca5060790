"""Airflow's rendering of the night: `dags/pipeline.py` holds the steps, this the time.

Whoever wants to begin when a night is published schedules a DAG on the asset PUBLISHED.
"""

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    CronDataIntervalTimetable,
    DeadlineAlert,
    DeadlineReference,
    Param,
    SyncCallback,
)

from dags.callbacks import deadline_missed, task_failed
from dags.pipeline import TIME_ZONE, lake_root
from dags.rendering import (
    BETWEEN_ATTEMPTS,
    BETWEEN_QUESTIONS,
    IS_LATE,
    NIGHT_STARTS,
    business_date,
    render_command,
    render_parts,
    runbook,
)
from dags.status import published
from dags.tasks import Command, Waiting

DATE = "{{ business_date(params, dag_run) }}"
AT_NOW = '--at "$(date -u +%Y-%m-%dT%H:%M:%S+00:00)"'  # our commands look at no clock
PUBLISHED = Asset("onemember_published", uri="file://onemember/published/current")


def say_what(context: dict[str, Any], _: object) -> None:
    """Put into the event of the asset which night readers have now."""
    current = published(lake_root()) or {}
    context["outlet_events"][PUBLISHED].extra = {
        name: current[name] for name in ("business_date", "version", "digest")
    }


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
        "wait": Param(
            True, type="boolean", description="Wait for deliveries until their deadlines"
        ),
    },
    user_defined_macros={"business_date": business_date},
    # The logical date is when the business date began to be worked for: 04:30 of that very day.
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=timedelta(days=1) + IS_LATE - NIGHT_STARTS,
        callback=SyncCallback(deadline_missed),
    ),
    default_args={"owner": "data-team", "on_failure_callback": task_failed},
    tags=["onemember"],
) as dag:
    waiting = render_command(
        Waiting,
        "await_deliveries",
        f"dags awaited --date {DATE} {{{{ '{AT_NOW}' if params.wait else '' }}}}",
        doc_md=runbook("await_deliveries"),
        poke_interval=BETWEEN_QUESTIONS,
        retries=1,
        retry_delay=BETWEEN_ATTEMPTS,
    )
    render_parts(
        Command,
        {"date": DATE, "replace": "{{ '--replace' if params.replace else '' }}"},
        {"publish": {"outlets": [PUBLISHED], "post_execute": say_what}},
        waiting,
    )
