"""What a night would change, without changing it: the night is rehearsed on what was delivered, and
compared with the last version.

It takes as long as the night does up to `verify`, and leaves nothing behind.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from dags.pipeline import PROJECT, nightly, up_to_step
from dags.rehearsal import LAST_STEP, Delivered, Variant, log_of, rehearsal
from dags.runner import Board


def dry_run(lake: Path, delivered: Delivered, is_json: bool) -> int:
    """Print what the night would change; the exit status, 1 if it would not be published.

    Trouble if a run has the lake, or if a step fails as it would in the night.
    """
    night = delivered.night.isoformat()
    tried = Variant("dry run")
    steps = up_to_step(nightly(), LAST_STEP)
    board = Board(sys.stderr, is_brief=True)
    with rehearsal(lake, [tried], steps, board, delivered) as (copy,):
        if not (copy / "work" / "tonight.parquet").is_file():  # `open` found nothing new
            return _tell_nothing_new(night, log_of(copy, tried, "open"), is_json)
        command = [sys.executable, "-W", "ignore:::runpy", "-m", "exports", "foresee"]
        asked = ["--date", night, *(["--json"] if is_json else [])]
        environment = {**os.environ, "LAKE_ROOT": str(copy)}
        done = subprocess.run([*command, *asked], cwd=PROJECT, env=environment, check=False)
        return done.returncode


def _tell_nothing_new(night: str, log: Path, is_json: bool) -> int:
    said = log.read_text(encoding="utf-8").splitlines()[-1]
    told = {"business_date": night, "is_nothing_new": True}
    print(json.dumps(told, ensure_ascii=False, indent=2) if is_json else said)
    return 0
