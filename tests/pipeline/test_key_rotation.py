"""A demo group whose keys are changed between its nights, beside one whose keys stay."""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.pipeline.nights import must_run, run_command

pytestmark = pytest.mark.long

NIGHTS = ("2026-10-29", "2026-10-30", "2026-10-31")
GROUP = ["--people", "300", "--from", NIGHTS[0], "--nights", "3", "--history-days", "40"]


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of the group that never rotates its keys."""
    lake = tmp_path_factory.mktemp("steady") / "lake"
    must_run(lake, "ingest", "keys")
    must_run(lake, "ingest", "demo", *GROUP)
    must_run(lake, "dags", "backfill", "--from", NIGHTS[0], "--to", NIGHTS[-1])
    return lake


@pytest.fixture(scope="module")
def rotated(steady: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same deliveries and first keys; new keys before the second night and before the third."""
    lake = beside(steady, tmp_path_factory.mktemp("rotated"))
    for night in NIGHTS:
        must_run(lake, "dags", "run", "--date", night)
        must_run(lake, "ingest", "keys", "--rotate")
    return lake


def beside(lake: Path, folder: Path) -> Path:
    """An empty lake with the deliveries, labelled accounts and keys of another one."""
    shutil.copytree(lake / "landing", folder / "lake" / "landing")
    shutil.copytree(lake / "decisions", folder / "lake" / "decisions")
    shutil.copy(lake.parent / "keys.json", folder / "keys.json")
    return folder / "lake"


def digest(lake: Path) -> str:
    manifest = (lake / "published" / "current" / "manifest.json").read_text(encoding="utf-8")
    return str(json.loads(manifest)["digest"])


def links(lake: Path) -> list[Any]:
    """Who is whom each night, and which members changed; without the tokens of what was refused."""
    found = []
    for name in ("member_links", "link_changes", "refused_links"):
        files = lake / "raw" / "identity" / name / "load_date=*" / "*.parquet"
        rows = duckdb.read_parquet(str(files), hive_partitioning=True)
        kept = ", ".join(each for each in rows.columns if each != "identifier_token")
        found.append(sorted(rows.project(kept).fetchall(), key=repr))
    assert len(found[0]) > 300
    return found


def key_ids(lake: Path) -> set[str]:
    """Ids of the keys that made the tokens of the cars in the car parks."""
    files = str(lake / "raw" / "parking" / "sessions" / "*" / "*.parquet")  # new cars every night
    ids = duckdb.read_parquet(files).project("split_part(plate_no_token, ':', 1)").distinct()
    return {key_id for (key_id,) in ids.fetchall() if key_id}


def test_members_links_and_every_published_value_are_those_of_keys_that_stay(
    steady: Path, rotated: Path
) -> None:
    assert (key_ids(steady), key_ids(rotated)) == ({"t1"}, {"t1", "t2", "t3"})
    assert links(rotated) == links(steady)
    assert digest(rotated) == digest(steady)


def test_the_last_night_again_after_a_rotation_changes_nothing(rotated: Path) -> None:
    before = digest(rotated)
    assert "nothing new" in must_run(rotated, "dags", "run", "--date", NIGHTS[-1])
    assert digest(rotated) == before


def test_a_rebuild_comes_under_the_newest_key_alone_and_the_earlier_ones_can_go(
    steady: Path, rotated: Path, tmp_path: Path
) -> None:
    refused = run_command(rotated, "ingest", "keys", "--retire", "t1")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "error: key t1 is still needed: " in refused.stderr
    lake = beside(rotated, tmp_path)
    must_run(lake, "dags", "backfill", "--from", NIGHTS[0], "--to", NIGHTS[-1])
    assert key_ids(lake) == {"t4"}
    assert digest(lake) == digest(steady)
    assert links(lake) == links(steady)
    for key_id in ("t1", "t2", "t3", "m1", "m2", "m3"):
        assert "is gone" in must_run(lake, "ingest", "keys", "--retire", key_id)
