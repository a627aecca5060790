"""A copy of the lake that can be proved whole, and how it comes back.

A backup is a folder: `manifest.json` names every file with its SHA-256 and size,
`manifest.json.sha256` holds that of the manifest, and the files lie beside them under `lake/`. It
holds all that a night or a person has made or received; not `work/`, which is disposable, and not
the keys, which would lay the personal data of a stolen backup open. Keep the keys elsewhere.

Nobody writes into the lake while it is copied. A backup gets its name when it is whole, and so does
a lake that is restored.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from dags.outcome import is_whole, sha256_of
from dags.runner import Trouble, lake_at_rest
from dags.status import latest

ZONES = (
    *("decisions", "landing", "outbox", "posted", "published", "quarantine", "raw", "restricted"),
)
FORMAT = 1  # of the manifest
MANIFEST, CHECKSUM, FILES = "manifest.json", "manifest.json.sha256", "lake"
UNFINISHED = ".tmp"
BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Backup:
    """A backup that is whole as far as its manifest says. `links` are pointers and their targets,
    `files` by name their SHA-256 and size in bytes.
    """

    folder: Path
    version: str
    business_date: str
    links: dict[str, str]
    files: dict[str, tuple[str, int]]

    @property
    def total_bytes(self) -> int:
        """Bytes of all files."""
        return sum(size for _, size in self.files.values())


def back_up(lake: Path, folder: Path) -> Backup:
    """Copy the lake into a new folder in `folder`, named by its last version, and by a number if
    that version was backed up before: people may have decided something since.

    Trouble if nothing was published yet, a run has the lake, or something cannot be read or
    written; nothing half made is left then.
    """
    with lake_at_rest(lake):
        last = latest(lake)
        if last is None:
            raise Trouble(f"nothing was published in {lake} yet; there is nothing to back up")
        place = _free_name(folder, f"onemember-{last['version']}")
        check_room(folder, sum(path.stat().st_size for path in _files(lake)))
        with filled(place) as aside:
            links = {
                path.relative_to(lake).as_posix(): os.readlink(path)
                for path in (lake / "published").iterdir()
                if path.is_symlink()
            }
            files = [
                {"name": path.relative_to(lake).as_posix(), **_copy(path, aside, lake)}
                for path in _files(lake)
            ]
            manifest = {
                "format": FORMAT,
                "version": last["version"],
                "business_date": last["business_date"],
                "links": links,
                "files": files,
            }
            text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
            _write(aside / MANIFEST, text.encode())
            _write(aside / CHECKSUM, f"{sha256_of(aside / MANIFEST)}  {MANIFEST}\n".encode())
    return read_backup(place)


def read_backup(folder: Path) -> Backup:
    """The backup in a folder; Trouble, which names the file, if its manifest is not as written."""
    manifest = folder / MANIFEST
    try:
        wanted = (folder / CHECKSUM).read_text(encoding="utf-8").split()[0]
        content = manifest.read_bytes()
    except (OSError, ValueError, IndexError) as error:
        raise Trouble(f"{folder} is no whole backup: cannot read {MANIFEST} and its sum") from error
    if hashlib.sha256(content).hexdigest() != wanted:
        raise Trouble(f"{manifest} is damaged: its SHA-256 is not that of {CHECKSUM}")
    told: dict[str, Any] = json.loads(content)
    if told["format"] != FORMAT:
        raise Trouble(f"{manifest} has format {told['format']}; this code reads format {FORMAT}")
    files = {entry["name"]: (entry["sha256"], entry["bytes"]) for entry in told["files"]}
    return Backup(folder, told["version"], told["business_date"], told["links"], files)


def restore(backup: Backup, into: Path) -> None:
    """Make a lake of a backup in a new or empty folder, every file compared with its hash.

    Trouble, which names the file, if one is missing or is not as it was; no lake is made then.
    """
    check_room(into.parent, backup.total_bytes)
    with filled(into) as aside:
        for name, (wanted, _) in backup.files.items():
            path = backup.folder / FILES / name
            if not path.is_file():
                raise Trouble(f"{path} is missing; nothing was restored, take another backup")
            if _copy_block_by_block(path, aside / name) != wanted:
                raise Trouble(f"{path} is damaged; nothing was restored, take another backup")
        for name, target in backup.links.items():
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).symlink_to(target)


def check_empty(folder: Path) -> None:
    """Trouble unless a folder is new or empty."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise Trouble(f"{folder} is in use; name a new or an empty folder")


def check_room(folder: Path, wanted: int) -> None:
    """Trouble unless the disk of a folder has so many bytes free."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < wanted:
        raise Trouble(
            f"{folder} has {free // BLOCK} MB free, and {wanted // BLOCK} MB are wanted; make room"
        )


@contextmanager
def filled(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that gets its name if the block ends well, and goes if it does not.

    Trouble if it is in use or the disk refuses something.
    """
    check_empty(folder)
    aside = folder.with_name(folder.name + UNFINISHED)
    try:
        shutil.rmtree(aside, ignore_errors=True)  # of one that was killed
        aside.mkdir(parents=True)
        yield aside
        for path in [*(each for each in aside.rglob("*") if each.is_dir()), aside]:
            _sync(path)
        aside.replace(folder)
        _sync(folder.parent)
    except OSError as error:
        where = error.filename or folder
        raise Trouble(f"cannot use {where}: {error.strerror}; check owner, mode, room") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _free_name(folder: Path, name: str) -> Path:
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(folder / each for each in names if not (folder / each).exists())


def _files(lake: Path) -> Iterator[Path]:
    """Every whole file of the zones that are kept, in order."""
    for zone in ZONES:
        for path in sorted((lake / zone).rglob("*")):
            is_kept = is_whole(path) and not path.is_symlink()
            if is_kept and not any(name.endswith(UNFINISHED) for name in path.parts):
                yield path


def _copy(path: Path, aside: Path, lake: Path) -> dict[str, Any]:
    """Copy a file of the lake into a backup; its SHA-256 and size."""
    copy = aside / FILES / path.relative_to(lake)
    return {"sha256": _copy_block_by_block(path, copy), "bytes": copy.stat().st_size}


def _copy_block_by_block(path: Path, copy: Path) -> str:
    """Copy a file onto the disk; the SHA-256 of what was read."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("rb") as source, copy.open("wb") as target:
        while block := source.read(BLOCK):
            digest.update(block)
            target.write(block)
        target.flush()
        os.fsync(target.fileno())
    shutil.copystat(path, copy)
    return digest.hexdigest()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
