"""What runs took, and when a step has become slow."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dags.runner import Finished, Outcome
from dags.runs import KEPT_RUNS, keep_part, keep_run, read_runs


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


def part(lake: Path, status: str, label: str = "2026-03-31", **steps: float) -> list[str]:
    """A part of a night: `open` is the first one, `export` the last; its last step ends so."""
    ended = [Finished(name, "done", 0, seconds, Path()) for name, seconds in steps.items()]
    ended[-1] = replace(ended[-1], status=status, code=int(status == "failed"))
    outcome = Outcome(label, status, sum(steps.values()), tuple(ended))
    return keep_part(lake, outcome, is_first="open" in steps, is_last="export" in steps)


def test_the_parts_of_a_night_are_one_run_which_is_unfinished_until_the_last(
    tmp_path: Path,
) -> None:
    part(tmp_path, "done", open=1.0)
    part(tmp_path, "done", load_pos=2.0, gate=3.0)
    assert read_runs(tmp_path) == [
        {
            "label": "2026-03-31", "status": "unfinished", "seconds": 6.0,
            "steps": {"open": 1.0, "load_pos": 2.0, "gate": 3.0},
        }
    ]  # fmt: skip
    assert not (tmp_path / "metrics" / "run.prom").exists()
    part(tmp_path, "done", export=4.0)
    [night] = read_runs(tmp_path)
    assert (night["status"], night["seconds"]) == ("done", 10.0)
    assert [*night["steps"]] == ["open", "load_pos", "gate", "export"]
    text = (tmp_path / "metrics" / "run.prom").read_text(encoding="utf-8")
    assert 'onemember_run_seconds{label="2026-03-31"} 10.000' in text
    assert 'onemember_step_seconds{step="gate",status="done"} 3.000' in text


def test_a_part_that_failed_is_told_and_its_retry_goes_on_with_the_run(tmp_path: Path) -> None:
    part(tmp_path, "done", open=1.0)
    part(tmp_path, "failed", stage=2.0, activities=3.0)
    assert read_runs(tmp_path)[-1]["status"] == "failed"
    text = (tmp_path / "metrics" / "run.prom").read_text(encoding="utf-8")
    assert 'onemember_run_succeeded{label="2026-03-31"} 0' in text
    part(tmp_path, "done", activities=4.0)
    assert read_runs(tmp_path) == [
        {
            "label": "2026-03-31", "status": "unfinished", "seconds": 10.0,
            "steps": {"open": 1.0, "stage": 2.0, "activities": 4.0},
        }
    ]  # fmt: skip


def test_a_night_that_begins_again_or_is_another_is_a_run_of_its_own(tmp_path: Path) -> None:
    part(tmp_path, "done", open=1.0)
    part(tmp_path, "nothing new", open=1.0)
    part(tmp_path, "done", label="2026-04-01", stage=1.0)
    found = [(run["label"], run["status"]) for run in read_runs(tmp_path)]
    assert found == [
        ("2026-03-31", "unfinished"), ("2026-03-31", "nothing new"), ("2026-04-01", "unfinished")
    ]  # fmt: skip


def test_a_part_that_is_cleared_after_the_night_was_done_is_a_run_of_its_own(
    tmp_path: Path,
) -> None:
    keep_run(tmp_path, outcome(3.0))
    part(tmp_path, "done", export=1.0)
    assert [run["steps"] for run in read_runs(tmp_path)] == [{"build": 3.0}, {"export": 1.0}]


def test_what_was_slow_is_named_by_the_part_that_it_was_in_and_by_no_later_one(
    tmp_path: Path,
) -> None:
    for _ in range(2):
        part(tmp_path, "done", open=1.0)
        part(tmp_path, "done", export=1.0)
    assert part(tmp_path, "done", open=9.0) == ["slower than usual: open 9 s, of late 1 s"]
    assert part(tmp_path, "done", export=1.0) == []


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
