"""The command line: one line for a mistake, no traceback, exit statuses to rely on."""

import subprocess
from pathlib import Path

import pytest

from ingest.core.settings import PROJECT, load_settings
from tests.warm import run_warm


def run(lake: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    places = {"LAKE_ROOT": str(lake), "KEYS_FILE": str(lake / "keys.json")}
    return run_warm(("ingest", *arguments), {"PATH": "", **places})


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["open", "--date", "2026-02-30"], "error: --date '2026-02-30' is not a date"),
        (["open", "--date", "2026-10-29"], "error: no source has delivered anything for"),
        (["open", "--date", "2026-10-29", "--at", "06:00"], "error: --at '06:00' is no time"),
        (["keys", "--retire", "t9"], "error: t9 is no earlier key of"),
        (["quarantine", "show", "0123"], "error: no row 0123 in quarantine"),
        (["quarantine", "ls", "--source", "zoo"], "error: no source 'zoo'; there are hotel,"),
        (
            ["load", "--source", "zoo", "--date", "2026-10-29"],
            "error: no contract for source 'zoo'",
        ),
    ],
)
def test_a_mistake_is_one_line_with_status_one(
    tmp_path: Path, arguments: list[str], reason: str
) -> None:
    assert run(tmp_path, "keys").returncode == 0
    done = run(tmp_path, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(reason)
    assert done.stderr.count("\n") == 1


def test_the_rules_command_writes_its_partitions(tmp_path: Path) -> None:
    assert run(tmp_path, "rules", "--date", "2026-10-29").returncode == 0
    assert (tmp_path / "raw/rules/earning/load_date=2026-10-29/part.parquet").is_file()


def test_settings_are_absolute_and_have_defaults_inside_the_project() -> None:
    settings = load_settings({})
    assert settings.lake == PROJECT / "lake"
    assert settings.keys_file == PROJECT / ".keys" / "onemember.json"
    assert settings.rules == PROJECT / "dbt_project" / "rules"
    assert settings.memory_limit == "6GB"
    assert load_settings({"LAKE_ROOT": "elsewhere"}).lake.is_absolute()
