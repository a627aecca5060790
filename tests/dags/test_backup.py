"""Backups of a lake of a few files: what they hold, what a damaged one says, how it comes back."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dags.backup import back_up, read_backup, restore
from dags.outcome import differences, outcome_of, sha256_of
from dags.pipeline import PROJECT
from dags.rebuild import nights_of
from dags.runner import Trouble, run_lock
from tests.dags.small_lake import FILES, files, small_lake

NOT_KEPT = {"raw/hotel/guests/load_date=2026-03-30/.part.parquet.7.tmp", "work/run.lock"}
ENTRIES = "posted/points_entries/posted_date=2026-03-30/part.parquet"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    lake = small_lake(tmp_path)
    manifest = {"business_date": "2026-03-30", "version": "v1", "digest": "d1"}
    manifest |= {"previous_version": None, "run_key": "k1"}  # type: ignore[dict-item]
    (lake / "published" / "v1" / "manifest.json").write_text(json.dumps(manifest))
    (lake / "published" / "v0.tmp").mkdir()
    (lake / "published" / "v0.tmp" / "half").write_text("of a killed publish")
    return lake


def kept(lake: Path) -> dict[str, str]:
    return {name: text for name, text in files(lake).items() if name not in NOT_KEPT}


def test_a_backup_holds_every_whole_file_but_the_working_folder(lake: Path, tmp_path: Path) -> None:
    backup = back_up(lake, tmp_path / "backups")
    assert backup.folder == tmp_path / "backups" / "onemember-v1"
    assert {*backup.files} == {*FILES} - NOT_KEPT
    assert backup.links == {"published/current": "v1"}
    assert (backup.version, backup.business_date) == ("v1", "2026-03-30")
    wanted, size = backup.files["decisions/identity/one.json"]
    assert (wanted, size) == (sha256_of(lake / "decisions" / "identity" / "one.json"), 4)


def test_the_checksum_of_the_manifest_is_one_that_common_tools_read(
    lake: Path, tmp_path: Path
) -> None:
    backup = back_up(lake, tmp_path / "backups")
    done = subprocess.run(
        ["sha256sum", "-c", "manifest.json.sha256"], cwd=backup.folder, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "manifest.json: OK\n"


def test_a_restored_lake_is_the_lake_and_its_pointer(lake: Path, tmp_path: Path) -> None:
    restore(back_up(lake, tmp_path / "backups"), tmp_path / "again")
    before = {name: text for name, text in kept(lake).items() if "v0.tmp" not in name}
    assert files(tmp_path / "again") == before
    assert (tmp_path / "again" / "published" / "current").readlink() == Path("v1")
    assert outcome_of(tmp_path / "again") == outcome_of(lake)


@pytest.mark.parametrize("name", [*sorted({*FILES} - NOT_KEPT), "manifest.json"])
def test_one_flipped_bit_anywhere_is_named_and_nothing_is_restored(
    lake: Path, tmp_path: Path, name: str
) -> None:
    folder = back_up(lake, tmp_path / "backups").folder
    path = folder / name if name == "manifest.json" else folder / "lake" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(Trouble) as told:
        restore(read_backup(folder), tmp_path / "again")
    assert str(told.value).startswith(f"{path} is damaged")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "again").exists()
    assert not (tmp_path / "again.tmp").exists()


def test_a_missing_file_is_named_and_nothing_is_restored(lake: Path, tmp_path: Path) -> None:
    backup = back_up(lake, tmp_path / "backups")
    (backup.folder / "lake" / ENTRIES).unlink()
    with pytest.raises(Trouble, match=r"part.parquet is missing; nothing was restored"):
        restore(backup, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_folder_that_is_no_backup_is_one_line(lake: Path) -> None:
    with pytest.raises(Trouble, match=r"is no whole backup: cannot read manifest\.json"):
        read_backup(lake)


def test_a_lake_in_use_is_never_restored_over(lake: Path, tmp_path: Path) -> None:
    backup = back_up(lake, tmp_path / "backups")
    before = files(lake)
    with pytest.raises(Trouble, match="is in use; name a new or an empty folder"):
        restore(backup, lake)
    assert files(lake) == before
    (tmp_path / "empty").mkdir()
    restore(backup, tmp_path / "empty")
    assert (tmp_path / "empty" / ENTRIES).is_file()


def test_nothing_is_copied_while_a_run_or_a_step_has_the_lake(lake: Path, tmp_path: Path) -> None:
    with run_lock(lake), pytest.raises(Trouble, match="another run uses"):
        back_up(lake, tmp_path / "backups")
    assert not (tmp_path / "backups").exists()


def test_a_second_backup_of_the_same_version_does_not_replace_the_first(
    lake: Path, tmp_path: Path
) -> None:
    backups = [back_up(lake, tmp_path / "backups") for _ in range(3)]
    names = [backup.folder.name for backup in backups]
    assert names == ["onemember-v1", "onemember-v1-2", "onemember-v1-3"]
    assert backups[0] == read_backup(tmp_path / "backups" / "onemember-v1")


KILLED = """
import os, signal, sys
from pathlib import Path
import dags.backup
copy = dags.backup._copy_block_by_block
def kill(path, target):
    if path.name == "part.parquet":
        os.kill(os.getpid(), signal.SIGKILL)
    return copy(path, target)
dags.backup._copy_block_by_block = kill
dags.backup.back_up(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_killed_backup_has_no_name_and_the_next_one_is_whole(lake: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(lake), str(tmp_path / "backups")]
    done = subprocess.run(command, cwd=PROJECT, check=False, env=os.environ)
    assert done.returncode == -9
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["onemember-v1.tmp"]
    backup = back_up(lake, tmp_path / "backups")
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["onemember-v1"]
    restore(backup, tmp_path / "again")


def test_the_outcome_leaves_out_what_was_never_published_and_names_what_differs(
    lake: Path,
) -> None:
    before = outcome_of(lake)
    assert before == {"published/2026-03-30": "d1", ENTRIES: sha256_of(lake / ENTRIES)}
    (lake / ENTRIES).write_text("something else")
    (lake / "outbox").mkdir()
    (lake / "outbox" / "sent.csv").write_text("sent")
    assert differences(before, outcome_of(lake)) == ["outbox/sent.csv", ENTRIES]


def test_the_nights_to_rebuild_are_those_on_record_in_their_order(lake: Path) -> None:
    nights = lake / "raw" / "nights"
    nights.mkdir()
    for key, day, before in (("k1", "2026-03-30", "k0"), ("k0", "2026-03-29", None)):
        record = {"business_date": day, "previous_run_key": before, "input_key": f"input of {key}"}
        record |= {"rules_version": "r", "code_version": "c"}
        (nights / f"{key}.json").write_text(json.dumps(record))
    found = [(night.business_date.day, night.input_key) for night in nights_of(lake)]
    assert found == [(29, "input of k0"), (30, "input of k1")]
    (nights / "k0.json").unlink()
    with pytest.raises(Trouble, match=r"k0.json is lost or damaged; restore it from a backup"):
        nights_of(lake)


def test_without_a_record_the_nights_are_the_dates_of_the_deliveries(tmp_path: Path) -> None:
    for source, day in (("hotel", "2026-03-30"), ("pos", "2026-04-01")):
        (tmp_path / "landing" / source / day).mkdir(parents=True)
    days = [night.business_date.isoformat() for night in nights_of(tmp_path)]
    assert days == ["2026-03-30", "2026-03-31", "2026-04-01"]
    with pytest.raises(Trouble, match="there is nothing to rebuild"):
        nights_of(tmp_path / "nowhere")
