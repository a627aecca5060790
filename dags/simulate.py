"""What other rule books would have made of a window of history, worked out on private copies.

The next night, without deliveries, is built twice up to what is compared: by the rules as they are
and by others. Rules that differ touch every member, so everything is derived again by their dated
values. The lake keeps nothing of it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from dags.pipeline import PROJECT, rules_folder, simulated
from dags.rehearsal import Variant, last_night, rehearsal
from dags.runner import Board, Trouble

RULE_CHANGES = "rule_changes.parquet"


@dataclass(frozen=True)
class Simulation:
    """Which rule books, and which business dates, both inclusive; `out` None for the usual place.

    Paths are absolute; `is_json` prints for programs.
    """

    rules: Path
    first: date
    last: date
    out: Path | None = None
    is_json: bool = False


def simulate(simulation: Simulation, lake: Path) -> int:
    """Write the comparison and print where it is; the exit status.

    Trouble, or one line of the rule books' own check, before anything is copied.
    """
    night = last_night(lake)
    _check_window(simulation, night)
    out = simulation.out or _usual_place(simulation, lake)
    _check_out(out, lake)
    changes = ["ingest", "rules", "--changes", "--against", str(rules_folder())]
    if status := _module(changes, lake, simulation.rules, simulation.is_json):
        return status
    others = {"RULES_DIR": str(simulation.rules)}
    variants = [Variant("as it is"), Variant("by other rules", environment=others)]
    board = Board(sys.stderr, is_brief=True)
    with rehearsal(lake, variants, simulated(), board) as (before, after):
        file = after / "work" / RULE_CHANGES
        if status := _module([*changes, "--write", str(file)], after, simulation.rules):
            return status
        compare = ["exports", "simulation", "--date", (night + timedelta(days=1)).isoformat()]
        compare += ["--before", str(before), "--after", str(after), "--rules", str(file)]
        compare += ["--from", simulation.first.isoformat(), "--to", simulation.last.isoformat()]
        compare += ["--out", str(out), *(["--json"] * simulation.is_json)]
        return _module(compare, after, simulation.rules)


def _check_window(simulation: Simulation, night: date) -> None:
    if simulation.first > simulation.last:
        raise Trouble(f"--from {simulation.first} is after --to {simulation.last}")
    if simulation.last > night:
        raise Trouble(
            f"--to {simulation.last} is after the last published night {night}; "
            "simulate up to that night"
        )


def _usual_place(simulation: Simulation, lake: Path) -> Path:
    """Where nobody looks for what was published; disposable like all of work/."""
    return lake / "work" / "simulations" / f"{simulation.first}_{simulation.last}"


def _check_out(out: Path, lake: Path) -> None:
    """Trouble, before anything is worked out, if the folder could not be replaced by the result."""
    simulations = lake / "work" / "simulations"
    if out.resolve().is_relative_to(lake.resolve()) and not out.resolve().is_relative_to(
        simulations.resolve()
    ):
        raise Trouble(f"--out {out} lies in the lake; give a folder outside it, or none")
    if out.is_dir() and any(out.iterdir()) and not _is_simulation(out):
        raise Trouble(f"--out {out} holds something else; give a new or empty folder")
    if out.exists() and not out.is_dir():
        raise Trouble(f"--out {out} is a file; give a folder")


def _is_simulation(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return bool(manifest["export"] == "simulation")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _module(arguments: Sequence[str], lake: Path, rules: Path, is_aside: bool = False) -> int:
    """Run `python -m …` on a lake with rule books, from the project folder; its exit status. What
    it prints goes to standard error if it `is_aside`.
    """
    environment = {**os.environ, "LAKE_ROOT": str(lake), "RULES_DIR": str(rules)}
    command = [sys.executable, "-W", "ignore:::runpy", "-m", *arguments]
    stream = sys.stderr if is_aside else None
    return subprocess.run(
        command, cwd=PROJECT, env=environment, stdout=stream, check=False
    ).returncode
