"""What runs took, and when a step has become slow."""

import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dags.runner import Finished, Outcome
from dags.runs import KEPT_RUNS, keep_run, read_runs


def outcome(seconds: float, status: str = "done", label: str = "2026-03-31") -> Outcome:
    """A run of one step that took so many seconds."""
    step = Finished("build", status, 0 if status == "done" else 1, seconds, Path("build.log"))
    return Outcome(label, status, seconds + 1, (step,))


def test_a_run_is_one_line_and_the_last_one_is_told_to_monitoring(tmp_path: Path) -> None:
    keep_run(tmp_path, outcome(3.0))
    keep_run(tmp_path, outcome(4.0, "failed", "2026-04-01"))
    assert read_runs(tmp_path)[0] == {
        "label": "2026-03-31", "status": "done", "seconds": 4.0, "steps": {"build": 3.0}
    }  # fmt: skip
    text = (tmp_path / "metrics" / "run.prom").read_text(encoding="utf-8")
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values == {
        ("onemember_run_succeeded", "2026-04-01"): 0,
        ("onemember_run_seconds", "2026-04-01"): 5,
        ("onemember_step_seconds", "build", "failed"): 4,
    }


@pytest.mark.parametrize(
    ("usual", "seconds", "said"),
    [
        (10, 20.0, []),
        (10, 20.1, ["slower than usual: build 20 s, of late 10 s"]),
        (2, 7.0, []),
        (2, 7.1, ["slower than usual: build 7 s, of late 2 s"]),
    ],
)
def test_a_step_is_slow_at_more_than_twice_the_median_and_five_seconds_more(
    tmp_path: Path, usual: float, seconds: float, said: list[str]
) -> None:
    for took in (usual, usual, 10 * usual):
        keep_run(tmp_path, outcome(took))
    keep_run(tmp_path, outcome(0.1, "failed"))
    assert keep_run(tmp_path, outcome(seconds)) == said


def test_a_first_run_is_compared_with_nothing_and_damaged_lines_are_left_out(
    tmp_path: Path,
) -> None:
    assert keep_run(tmp_path, outcome(900.0)) == []
    with (tmp_path / "metrics" / "runs.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"label": \n')
    assert len(read_runs(tmp_path)) == 1


def test_the_oldest_runs_go(tmp_path: Path) -> None:
    lines = [json.dumps({"label": str(n), "status": "failed"}) for n in range(KEPT_RUNS)]
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "runs.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    keep_run(tmp_path, outcome(1.0))
    runs = read_runs(tmp_path)
    assert (len(runs), runs[0]["label"], runs[-1]["label"]) == (KEPT_RUNS, "1", "2026-03-31")
