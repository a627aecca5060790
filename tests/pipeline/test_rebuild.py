"""A lake made again, and a backup that takes its place: the worked example, October closed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dags.outcome import outcome_of
from ingest.core.settings import PROJECT
from tests.pipeline.nights import copied, must_run, run_command

pytestmark = pytest.mark.long  # production nights, minutes each


@pytest.fixture(scope="module")
def original(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that has lost nothing; rule books were edited and keys changed since its nights."""
    lake = copied(worked_lake, tmp_path_factory.mktemp("original"))
    books = shutil.copytree(PROJECT / "dbt_project" / "rules", lake.parent / "rules")
    book = books / "programme" / "points.yml"
    book.write_text(book.read_text(encoding="utf-8") + "\n# edited since\n", encoding="utf-8")
    must_run(lake, "ingest", "keys", "--rotate")
    return lake


@pytest.fixture(scope="module")
def told(original: Path) -> dict[str, Any]:
    """What the command says of the rebuild, which lies beside the original."""
    into = original.parent / "again"
    rules = {"RULES_DIR": str(original.parent / "rules")}
    said = must_run(original, "dags", "rebuild", "--into", str(into), "--json", **rules)
    answer: dict[str, Any] = json.loads(said)
    return answer


def test_a_lake_made_again_has_every_digest_of_the_original(
    original: Path, told: dict[str, Any]
) -> None:
    assert told["is_same"] is True
    assert told["nights"] == ["2026-10-30", "2026-10-31", "2026-11-01"]
    assert (told["different"], told["notes"]) == ([], [])
    before = outcome_of(original)
    assert outcome_of(original.parent / "again") == before
    assert sum(told["same"].values()) == len(before)
    assert told["same"]["published"] == 3
    assert told["same"]["posted"] > 3 * 9
    assert told["same"]["outbox"] > 3 * 7


def test_the_signed_packs_are_those_of_the_original_and_their_steps_too(
    original: Path, told: dict[str, Any]
) -> None:
    packs = [*(original / "outbox" / "statements" / "2026-10").glob("*/manifest.json")]
    assert len(packs) >= 7
    kept = f"signed statement packs: {len(packs)}, each with the hash of its manifest"
    assert kept in told["kept"]
    for zone in ("decisions/closes", "raw/closes", "outbox/statements/2026-10"):
        files = [path for path in sorted((original / zone).rglob("*")) if path.is_file()]
        assert files
        for path in files:
            again = original.parent / "again" / path.relative_to(original)
            assert again.read_bytes() == path.read_bytes()
    again = original.parent / "again"
    proof = must_run(again, "exports", "statements", "verify")
    assert proof.startswith(f"{len(packs)} statements of {len(packs)} parties")


def test_a_lake_made_again_is_not_made_over_another_one(
    original: Path, told: dict[str, Any]
) -> None:
    done = run_command(original, "dags", "rebuild", "--into", told["into"])
    assert done.returncode == 1
    assert done.stderr == f"error: {told['into']} is in use; name a new or an empty folder\n"


def test_a_backup_runs_the_next_night_and_leaves_nothing(original: Path) -> None:
    before = outcome_of(original)
    backups = original.parent / "backups"
    saved = json.loads(must_run(original, "dags", "backup", "--to", str(backups), "--json"))
    drilled = json.loads(
        must_run(original, "dags", "restore", saved["backup"], "--drill", "--json")
    )
    assert drilled["night"] == "2026-11-02"
    assert drilled["file_count"] == saved["file_count"] > 100
    assert [path.name for path in backups.iterdir()] == [Path(saved["backup"]).name]
    assert outcome_of(original) == before


def test_a_restored_lake_is_the_lake_that_was_saved(original: Path) -> None:
    [backup] = (original.parent / "backups").iterdir()
    into = original.parent / "restored"
    must_run(original, "dags", "restore", str(backup), "--into", str(into))
    assert outcome_of(into) == outcome_of(original)
    status = json.loads(must_run(into, "dags", "status", "--json"))
    assert status["published_date"] == "2026-11-01"


def test_a_backup_without_its_keys_fails_the_drill_and_says_so(
    original: Path, tmp_path: Path
) -> None:
    [backup] = (original.parent / "backups").iterdir()
    other = tmp_path / "keys.json"
    must_run(original, "ingest", "keys", KEYS_FILE=str(other))
    done = run_command(original, "dags", "restore", str(backup), "--drill", KEYS_FILE=str(other))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "does not run on the backup, open: " in done.stderr
    assert [path.name for path in backup.parent.iterdir()] == [backup.name]
