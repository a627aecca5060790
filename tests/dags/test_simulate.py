"""Simulations: what is refused before anything is copied, and which commands work on the copies."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from dags import simulate as module
from dags.pipeline import PROJECT, Step, in_order, nightly, simulated
from dags.runner import Trouble
from dags.simulate import Simulation, simulate
from tests.dags.small_lake import FILES, files, small_lake
from tests.dags.test_commands import dags

Calls = list[tuple[list[str], Path, Path]]
asides: list[bool] = []  # of each call: whether what it prints goes to standard error


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return small_lake(tmp_path)


@pytest.fixture
def wanted(tmp_path: Path) -> Simulation:
    return Simulation(tmp_path / "rules", date(2026, 3, 1), date(2026, 3, 30), tmp_path / "out")


@pytest.fixture
def calls(lake: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The commands that are run, with their lakes and rules; rules named `mistaken` are refused."""
    made: Calls = []
    asides.clear()

    def run(arguments: Sequence[str], on: Path, rules: Path, is_aside: bool = False) -> int:
        asides.append(is_aside)
        made.append((list(arguments), on, rules))
        return int(rules.name == "mistaken")

    def night() -> list[Step]:
        return [Step("build", f"tests.dags.fake_step 0 {lake.parent} build", (), "A fake.")]

    monkeypatch.setattr(module, "_module", run)
    monkeypatch.setattr(module, "simulated", night)
    return made


def test_the_rules_are_compared_first_and_the_two_copies_last(
    lake: Path, wanted: Simulation, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RULES_DIR", str(lake.parent / "in force"))
    assert simulate(wanted, lake) == 0
    one, other = (lake / "work" / "rehearsal" / number for number in ("1", "2"))
    changes = ["ingest", "rules", "--changes", "--against", str(lake.parent / "in force")]
    file = str(other / "work" / "rule_changes.parquet")
    compare = ["exports", "simulation", "--date", "2026-03-31", "--before", str(one)]
    compare += ["--after", str(other), "--rules", file, "--from", "2026-03-01"]
    compare += ["--to", "2026-03-30", "--out", str(wanted.out)]
    assert calls == [
        (changes, lake, wanted.rules),
        ([*changes, "--write", file], other, wanted.rules),
        (compare, other, wanted.rules),
    ]
    assert files(lake) == FILES


def test_a_program_gets_the_answer_alone_and_no_table_of_rules_before_it(
    lake: Path, wanted: Simulation, calls: Calls
) -> None:
    assert simulate(replace(wanted, is_json=True), lake) == 0
    assert asides == [True, False, False]
    assert ["--json" in arguments for arguments, _, _ in calls] == [False, False, True]


def test_a_mistake_in_the_rules_ends_it_before_anything_is_copied(
    lake: Path, wanted: Simulation, calls: Calls
) -> None:
    assert simulate(replace(wanted, rules=lake.parent / "mistaken"), lake) == 1
    assert len(calls) == 1
    assert not list(lake.parent.glob("*.began"))
    assert files(lake) == FILES


def test_without_a_folder_the_result_lies_in_the_work_of_the_lake(
    lake: Path, wanted: Simulation, calls: Calls
) -> None:
    simulate(replace(wanted, out=None), lake)
    place = lake / "work" / "simulations" / "2026-03-01_2026-03-30"
    assert calls[-1][0][-1] == str(place)


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 3, 30), date(2026, 3, 29), "--from 2026-03-30 is after --to 2026-03-29"),
        (date(2026, 3, 1), date(2026, 3, 31), "after the last published night 2026-03-30"),
    ],
)
def test_a_window_that_is_no_history_is_refused(
    lake: Path, wanted: Simulation, calls: Calls, first: date, last: date, said: str
) -> None:
    with pytest.raises(Trouble, match=said):
        simulate(replace(wanted, first=first, last=last), lake)
    assert calls == []


def test_a_window_of_the_last_night_alone_is_history(
    lake: Path, wanted: Simulation, calls: Calls
) -> None:
    assert simulate(replace(wanted, first=wanted.last), lake) == 0
    assert len(calls) == 3


@pytest.mark.parametrize("zone", ["outbox/any", "published/any", "raw", "work/rehearsal/1"])
def test_a_result_is_never_written_where_the_lake_keeps_its_own(
    lake: Path, wanted: Simulation, calls: Calls, zone: str
) -> None:
    with pytest.raises(Trouble, match="lies in the lake"):
        simulate(replace(wanted, out=lake / zone), lake)
    assert calls == []


def test_a_folder_is_replaced_only_if_it_holds_a_simulation(
    lake: Path, wanted: Simulation, calls: Calls
) -> None:
    assert wanted.out
    wanted.out.mkdir()
    (wanted.out / "manifest.json").write_text(json.dumps({"export": "report"}))
    with pytest.raises(Trouble, match="holds something else"):
        simulate(wanted, lake)
    (wanted.out / "manifest.json").write_text(json.dumps({"export": "simulation"}))
    assert simulate(wanted, lake) == 0


def test_a_file_in_the_place_of_the_folder_is_said(
    lake: Path, wanted: Simulation, calls: Calls
) -> None:
    assert wanted.out
    wanted.out.write_text("a file")
    with pytest.raises(Trouble, match="is a file"):
        simulate(wanted, lake)
    assert calls == []


def test_a_simulated_night_loads_and_judges_nothing_and_builds_only_what_is_compared() -> None:
    names = [step.name for step in in_order(simulated())]
    assert names[0] == "open"
    assert names[-2:] == ["fold_points", "build"]
    assert not {"gate", "verify", "publish", "export"} & set(names)
    assert not [name for name in names if name.startswith("load_") and name != "load_rules"]
    assert simulated()[-1].line({}).endswith("run --selector simulation")
    assert "--selector simulation" not in "".join(step.command for step in nightly())


def test_the_command_names_the_line_of_a_mistake_and_copies_nothing(tmp_path: Path) -> None:
    lake = small_lake(tmp_path)
    rules = Path(shutil.copytree(PROJECT / "dbt_project" / "rules", tmp_path / "rules"))
    (rules / "programme" / "points.yml").write_text("points_per_10000_fen: []\n")
    window = ["--from", "2026-03-01", "--to", "2026-03-30"]
    done = dags(lake, "simulate", "--rules", str(rules), *window)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "points.yml:1:" in done.stderr
    assert files(lake) == FILES


def test_the_command_refuses_a_lake_without_a_publication(tmp_path: Path) -> None:
    window = ["--from", "2026-03-01", "--to", "2026-03-30"]
    done = dags(tmp_path / "lake", "simulate", "--rules", str(tmp_path), *window)
    assert done.returncode == 1
    assert done.stderr.startswith("error: nothing was published in ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "lake").exists()
