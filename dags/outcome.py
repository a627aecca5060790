"""What a lake has come to: a digest of everything that people read, rely on or were sent.

Two lakes with the same outcome are the same to everybody outside. Nights that were opened and never
published, files that a killed process left half written and versions that a replaced night has left
behind are no part of it.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from dags.status import latest, published

POSTED_DATE = re.compile(r"posted_date=(\d{4}-\d{2}-\d{2})")
HALF_WRITTEN = re.compile(r"\..+\.\d+\.(tmp|new)")  # as ingest.core.lake names them
ZONES = ("published", "posted", "outbox")


def outcome_of(lake: Path) -> dict[str, str]:
    """By name, a digest of each kept night's marts (`published/<business date>`) and the SHA-256 of
    each file that was posted or sent; empty if nothing was published. Trouble if a manifest is
    damaged.
    """
    last = latest(lake)
    if last is None:
        return {}
    found = {f"published/{date}": digest for date, digest in _versions(lake, last["version"])}
    for path in sorted((lake / "posted").rglob("*")):
        posted = POSTED_DATE.search(path.as_posix())
        if posted and posted[1] <= last["business_date"] and is_whole(path):
            found[path.relative_to(lake).as_posix()] = sha256_of(path)
    for path in sorted((lake / "outbox").rglob("*")):
        if is_whole(path):
            found[path.relative_to(lake).as_posix()] = sha256_of(path)
    return found


def differences(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """The names that only one side has, or whose digests differ, in order."""
    return sorted(name for name in before.keys() | now if before.get(name) != now.get(name))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _versions(lake: Path, version: str | None) -> Iterator[tuple[str, str]]:
    """Business date and digest of the last version and of those before it that are still kept."""
    while version and (lake / "published" / version).is_dir():
        manifest = published(lake, version)
        assert manifest is not None, "its folder is there"
        yield manifest["business_date"], manifest["digest"]
        version = manifest["previous_version"]


def is_whole(path: Path) -> bool:
    """Whether a path is a file that nobody was killed in the middle of."""
    return path.is_file() and not HALF_WRITTEN.fullmatch(path.name)
