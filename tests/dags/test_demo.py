"""The demo group by one command, as a person sees it for the first time."""

import json
import os
import subprocess
import sys
from pathlib import Path

from dags.pipeline import PROJECT


def test_the_demo_ends_with_one_document_for_programs(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    places = {"LAKE_ROOT": str(lake), "KEYS_FILE": str(tmp_path / "keys.json")}
    small = ["--people", "100", "--nights", "1", "--from", "2026-10-31", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "dags", "demo", *small], cwd=PROJECT, env=os.environ | places,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    [night] = told["nights"]
    assert night["night"] == "2026-10-31"
    assert night["rows_read"] > night["rows_refused"] > 0
    assert (told["settlement_fen"], told["violation_count"]) == (0, 0)
    for place in ("marts", "statements", "report"):
        assert Path(told[place]).exists()
    assert "2026-10  done" in done.stderr  # the month that ends is closed
