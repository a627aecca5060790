"""What the Airflow files share: steps to tasks, run to business date, README to documentation.

Airflow itself comes in as an argument, so all of this can be tested without it.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from dags.pipeline import (
    LOCK_WAIT,
    NOTHING_NEW,
    PROJECT,
    TIME_ZONE,
    Step,
    lake_root,
    parts,
    step_environment,
)

NIGHT_STARTS = timedelta(
    hours=4, minutes=30
)  # a business day ends at 04:00; deliveries need a moment
IS_LATE = timedelta(hours=6)  # when readers expect the night
BETWEEN_ATTEMPTS = timedelta(minutes=2)
BETWEEN_QUESTIONS = timedelta(minutes=1)  # whether a delivery has come
LOCK_PATIENCE = timedelta(minutes=20)  # a night, a backup or a rebuild by hand comes to its end
NIGHT = "--date {date} {replace}"
WRITER_POOL = "lake"  # one place: whatever writes into the lake, of whichever DAG, does so alone
BY = '"$ANSWERED_BY"'
ANSWERED = "{{ ti.xcom_pull(task_ids='%s')['responded_by_user']['name'] }}"
README = PROJECT / "dags" / "README.md"


class DagRun(Protocol):
    """What is read of Airflow's run: either time can be missing when a person triggers it."""

    data_interval_start: datetime | None
    run_after: datetime


def render(
    operator: Callable[..., Any],
    steps: Sequence[Step],
    values: dict[str, str],
    asking: Callable[..., Any] | None = None,
) -> None:
    """Make one task per step and the edges between them, inside the DAG that is being defined.

    `operator` is what runs a command and `asking` its ApprovalOperator, for steps that a person
    answers; `values` are Jinja expressions for what a run fills into the commands. The Python of
    the steps is ONEMEMBER_PYTHON, by default the one that runs Airflow.
    """
    tasks = {}
    for step in steps:
        doc = f"{step.doc}\n\n{runbook(step.name)}"
        if step.question:
            assert asking is not None, f"{step.name} is answered by a person"
            subject = step.question.format(**values)
            tasks[step.name] = asking(
                task_id=step.name, subject=subject, body=doc, doc_md=doc, fail_on_reject=True
            )
            continue
        # Who answered goes into the environment, not into the command: a name is no shell code.
        tasks[step.name] = render_command(
            operator,
            step.name,
            f"dags step {step.name} {step.line({**values, 'by': BY})}",
            {"ANSWERED_BY": ANSWERED % step.by} if step.by else {},
            skip_on_exit_code=NOTHING_NEW,
            doc_md=doc,
            retries=step.retries,
            retry_delay=BETWEEN_ATTEMPTS,
            pool=WRITER_POOL,
        )
    for step in steps:
        for name in step.after:
            tasks[name].set_downstream(tasks[step.name])


def render_parts(
    operator: Callable[..., Any],
    values: dict[str, str],
    terms: Mapping[str, Mapping[str, Any]],
    before: Any,
) -> None:
    """Make one task per part of the night, one after the other and all after the task `before`;
    `terms` are what else the tasks of some parts are given.
    """
    for part in parts():
        doc = f"{part.doc}\n\n" + "\n\n".join(
            f"**{step.name}**: {step.doc}\n\n{runbook(step.name)}" for step in part.steps
        )
        task = render_command(
            operator,
            part.name,
            f"dags part {part.name} {NIGHT.format(**values)}",
            skip_on_exit_code=NOTHING_NEW,
            doc_md=doc,
            retries=part.retries,
            retry_delay=BETWEEN_ATTEMPTS,
            pool=WRITER_POOL,
            **terms.get(part.name, {}),
        )
        before.set_downstream(task)
        before = task


def render_command(
    operator: Callable[..., Any],
    name: str,
    command: str,
    environment: Mapping[str, str] | None = None,
    **terms: Any,
) -> Any:
    """One task that runs `python -m <command>` in the project, by the Python of the steps."""
    own = {
        **step_environment(lake_root()),
        "ONEMEMBER_PYTHON": os.environ.get("ONEMEMBER_PYTHON") or sys.executable,
        LOCK_WAIT: str(LOCK_PATIENCE.seconds),
        **(environment or {}),
    }
    return operator(
        task_id=name,
        bash_command=f'exec "$ONEMEMBER_PYTHON" -m {command}',
        cwd=str(PROJECT),
        env=own,
        append_env=True,
        **terms,
    )


def business_date(params: Mapping[str, Any], run: DagRun) -> str:
    """The business date of a run: its parameter, else the one that ended before its night."""
    if params.get("business_date"):
        return date.fromisoformat(params["business_date"]).isoformat()
    return ended(run).isoformat()


def ended(run: DagRun) -> date:
    """The business date that ended last before the night of a run."""
    began = run.data_interval_start or run.run_after - timedelta(days=1)
    return (began.astimezone(ZoneInfo(TIME_ZONE)) - NIGHT_STARTS).date()


def period(params: Mapping[str, Any], run: DagRun) -> str:
    """The month that a run closes, YYYY-MM: its parameter, else the one that ended before it."""
    if params["period"]:
        return f"{date.fromisoformat(params['period'] + '-01'):%Y-%m}"
    first = run.run_after.astimezone(ZoneInfo(TIME_ZONE)).date().replace(day=1)
    return f"{first - timedelta(days=1):%Y-%m}"


def runbook(step: str | None = None) -> str:
    """The README of this folder, or its section about one step; empty if it has none."""
    text = README.read_text(encoding="utf-8")
    if step is None:
        return text
    heading = re.sub(r"^load_(?!rules$).*", "load_<source>", step)
    section = re.search(
        rf"^### `{re.escape(heading)}`\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL
    )
    return section.group(1).strip() if section else ""
