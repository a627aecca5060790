"""What runs took: one line of JSON a run in `metrics/runs.jsonl`, and the last one for monitoring.

`metrics/run.prom` is in Prometheus' text format; when it was written is the file's own time. A run
is compared with the last good ones of its kind, so that a step that has become slow is named.

Airflow runs a night part by part. They are one run here, too: a part goes on with the line of its
night, as long as that is not done, and the seconds are those of the parts, without what lies
between them.
"""

import json
import os
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from dags.runner import Finished, Outcome, Trouble

FOLDER = "metrics"
KEPT_RUNS = 400
COMPARED_RUNS = 7
UNFINISHED = "unfinished"  # the status of a night of which parts are left
TIMES_SLOWER, SECONDS_SLOWER = 2.0, 5.0  # both, or it is the noise of a small night


def keep_run(lake: Path, outcome: Outcome) -> list[str]:
    """Write a run down; what was slower than usual, a line each.

    Trouble if the lake cannot be written.
    """
    return _keep(lake, read_runs(lake), outcome)


def keep_part(lake: Path, outcome: Outcome, is_first: bool, is_last: bool) -> list[str]:
    """Write a part of a night down, in the line of the night unless it is its first one; what was
    slower than usual, a line each.

    Trouble if the lake cannot be written.
    """
    earlier = read_runs(lake)
    if not is_last and outcome.status == "done":
        outcome = replace(outcome, status=UNFINISHED)
    if is_first or not earlier or not _goes_on(earlier[-1], outcome):
        return _keep(lake, earlier, outcome)
    begun, own = earlier[-1], {step.name for step in outcome.steps}
    before = [
        Finished(name, "done", 0, seconds, Path())
        for name, seconds in begun["steps"].items()
        if name not in own
    ]
    seconds = begun["seconds"] + outcome.seconds
    night = replace(outcome, seconds=seconds, steps=(*before, *outcome.steps))
    return _keep(lake, earlier[:-1], night, own)


def _goes_on(run: dict[str, Any], outcome: Outcome) -> bool:
    """Whether a part belongs to the run that was written down last."""
    return run["label"] == outcome.label and run["status"] in {UNFINISHED, "failed"}


def _keep(
    lake: Path, earlier: Sequence[dict[str, Any]], outcome: Outcome, own: Container[str] = ()
) -> list[str]:
    """Write a run down behind the earlier ones; what of it, or of its `own` steps alone, was slower
    than usual.
    """
    run = {
        "label": outcome.label,
        "status": outcome.status,
        "seconds": round(outcome.seconds, 3),
        "steps": {step.name: round(step.seconds, 3) for step in outcome.steps},
    }
    lines = [json.dumps(each, ensure_ascii=False) for each in [*earlier, run][-KEPT_RUNS:]]
    _write(lake / FOLDER / "runs.jsonl", lines)
    if outcome.status != UNFINISHED:
        _write(lake / FOLDER / "run.prom", [*_metrics(outcome)])
    return [*_slower(run, earlier, own)]


def read_runs(lake: Path) -> list[dict[str, Any]]:
    """The runs that are kept, oldest first; a line that is damaged is left out."""
    path, runs = lake / FOLDER / "runs.jsonl", []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        with suppress(ValueError):
            runs.append(json.loads(line))
    return runs


def _slower(
    run: dict[str, Any], earlier: Sequence[dict[str, Any]], own: Container[str]
) -> Iterator[str]:
    """The steps that took much longer than in the last good runs that had them."""
    good = [each for each in earlier if each["status"] == "done"]
    for name, seconds in run["steps"].items():
        if own and name not in own:
            continue
        before = [each["steps"][name] for each in good if name in each["steps"]][-COMPARED_RUNS:]
        usual = median(before) if before else seconds
        if seconds > TIMES_SLOWER * usual and seconds > usual + SECONDS_SLOWER:
            yield f"slower than usual: {name} {seconds:.0f} s, of late {usual:.0f} s"


def _metrics(outcome: Outcome) -> Iterator[str]:
    name = "onemember_run_succeeded"
    yield f"# HELP {name} 1 if the last run ended well."
    yield f"# TYPE {name} gauge"
    yield f'{name}{{label="{outcome.label}"}} {int(outcome.status != "failed")}'
    name = "onemember_run_seconds"
    yield f"# HELP {name} Wall time of that run."
    yield f"# TYPE {name} gauge"
    yield f'{name}{{label="{outcome.label}"}} {outcome.seconds:.3f}'
    name = "onemember_step_seconds"
    yield f"# HELP {name} Wall time of each of its steps."
    yield f"# TYPE {name} gauge"
    for step in outcome.steps:
        yield f'{name}{{step="{step.name}",status="{step.status}"}} {step.seconds:.3f}'


def _write(path: Path, lines: Sequence[str]) -> None:
    """Put lines at a path, whole or not at all."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text("\n".join(lines) + "\n", encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise Trouble(f"cannot write {path}: {error.strerror}; check owner and room") from error
