"""Decisions on who is who: rehearsed to see what they would change, or kept for the next night."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dags.pipeline import PROJECT, nightly, up_to_step, without_deliveries
from dags.rehearsal import LAST_STEP, Variant, next_night, rehearsal
from dags.runner import Board, Trouble


@dataclass(frozen=True)
class Decision:
    """What somebody decides about two accounts, each written source:account_id.

    `kind` is cannot-link or must-link.
    """

    kind: str
    accounts: tuple[str, str]
    by: str
    why: str

    @property
    def arguments(self) -> list[str]:
        """The command that keeps the decision, from the next night on."""
        who = ["--by", self.by, "--why", self.why]
        return ["identity_resolution", "decide", self.kind, *self.accounts, *who]


def keep(decision: Decision, lake: Path, is_json: bool) -> int:
    """Keep a decision in the lake; the next night posts what it changes. The exit status."""
    return _module([*decision.arguments, *(["--json"] * is_json)], lake)


def preview(decision: Decision, lake: Path, is_json: bool) -> int:
    """Print what the next night would post differently with a decision; the lake keeps nothing."""
    night = next_night(lake)

    def decide(copy: Path) -> None:
        if _module(decision.arguments, copy, subprocess.DEVNULL):
            raise Trouble("the decision is not one that could be kept; nothing was rehearsed")

    variants = [Variant("as it is"), Variant(f"with {decision.kind}", decide)]
    board = Board(sys.stderr, is_brief=True)
    steps = up_to_step(without_deliveries(nightly()), LAST_STEP)
    with rehearsal(lake, variants, steps, board) as (before, after):
        places = ["--before", str(before), "--after", str(after), *(["--json"] * is_json)]
        return _module(["exports", "compare", "--date", night.isoformat(), *places], lake)


def _module(arguments: Sequence[str], lake: Path, output: int | None = None) -> int:
    """Run `python -m …` on a lake, from the project folder; its exit status."""
    environment: Mapping[str, str] = {**os.environ, "LAKE_ROOT": str(lake)}
    command = [sys.executable, "-W", "ignore:::runpy", "-m", *arguments]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, stdout=output, check=False
    ).returncode
