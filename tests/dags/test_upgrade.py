"""Trying newer versions: what is reported; the run itself is a long test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dags.pipeline import PROJECT
from dags.upgrade import version_changes

OLD = """duckdb==1.5.5 \\
    --hash=sha256:aa
pandas==2.0.0 ; python_full_version < '3.12' \\
    --hash=sha256:bb
pandas==2.1.0 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
gone==1
"""
NEW = """# a comment
duckdb==1.6.0
pandas==2.0.0 ; python_full_version < '3.12'
pandas==2.1.0 ; python_full_version >= '3.12'
here==3
"""


def test_versions_that_differ_are_named_with_what_they_were_and_are(tmp_path: Path) -> None:
    (tmp_path / "old").write_text(OLD)
    (tmp_path / "new").write_text(NEW)
    assert version_changes(tmp_path / "old", tmp_path / "new") == [
        ("duckdb", "1.5.5", "1.6.0"),
        ("gone", "1", "none"),
        ("here", "none", "3"),
    ]


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    done = subprocess.run(
        [sys.executable, "-m", "dags", "upgrade-check", "--into", str(tmp_path)],
        cwd=PROJECT, env=os.environ | {"LAKE_ROOT": str(tmp_path / "lake")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"error: {tmp_path} is in use; name a new or an empty folder\n"
    assert (tmp_path / "kept").read_text() == "mine"


@pytest.mark.long
def test_another_version_of_a_package_is_installed_run_and_named(tmp_path: Path) -> None:
    arguments = ["--into", str(tmp_path / "try"), "--people", "100", "--nights", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "dags", "upgrade-check", *arguments, "--with", "rich==15.0.0",
         "--json"],
        cwd=PROJECT, env=os.environ | {"LAKE_ROOT": str(tmp_path / "lake")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    report = json.loads((tmp_path / "try" / "report.json").read_text(encoding="utf-8"))
    assert json.loads(done.stdout) == report
    assert len(report["golden"]) > 20
    assert done.returncode == bool(report["different"]), done.stdout + done.stderr
    installed = (tmp_path / "try" / "requirements.lock").read_text(encoding="utf-8")
    assert "rich==15.0.0" in installed
