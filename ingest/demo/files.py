"""Puts deliveries into the landing zone: whole, once, and never over a delivery that differs."""

import filecmp
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from ingest.core.contract import Source
from ingest.core.errors import Problem
from ingest.core.lake import Lake, remove, write_bytes
from ingest.landing import write_delivery


@dataclass(frozen=True)
class DemoLake:
    """The lake and the demo group's own folder in it, which no step of the night reads."""

    lake: Lake

    @property
    def folder(self) -> Path:
        """Holds the truth, the facts and the receipt."""
        return self.lake.root / "demo"

    @property
    def truth(self) -> Path:
        """Who is who: source, account_id, person_id, household_id."""
        return self.folder / "truth.parquet"

    @property
    def facts(self) -> Path:
        """Arguments, rates, counts of hazards and of rows."""
        return self.folder / "facts.json"

    @property
    def receipt(self) -> Path:
        """What was made last: a fingerprint of arguments and code, and the digest of every file."""
        return self.folder / "made.json"

    def hand_over(
        self, source: Source, business_date: date, tables: Mapping[str, pl.DataFrame]
    ) -> bool:
        """Write one delivery aside and move it into the landing zone; False if it was there
        already.

        Problem if the landing folder holds something else: what was handed over never changes
        silently.
        """
        aside = Lake(self.folder / "making")
        made = aside.landing(source.name, business_date)
        landing = self.lake.landing(source.name, business_date)
        remove(made)
        write_delivery(aside, source, business_date, tables)
        is_new = not landing.exists()
        if is_new:
            landing.parent.mkdir(parents=True, exist_ok=True)
            os.replace(made, landing)
        elif not _are_same(made, landing):
            remove(aside.root)
            raise Problem(
                f"{landing} already holds another delivery than these arguments make; "
                "remove it, or name another lake with --lake"
            )
        remove(aside.root)
        return is_new

    def is_made(self, fingerprint: str) -> bool:
        """Whether the last run had this fingerprint and all its files are still as it left them."""
        if not self.receipt.is_file():
            return False
        try:
            receipt = json.loads(self.receipt.read_text(encoding="utf-8"))
            files = dict(receipt["files"])
        except (ValueError, KeyError, TypeError):
            return False
        return receipt["fingerprint"] == fingerprint and all(
            (self.lake.root / name).is_file() and _digest(self.lake.root / name) == digest
            for name, digest in files.items()
        )

    def keep_receipt(self, fingerprint: str, folders: list[Path]) -> None:
        """Remember what was made, so that the same run again has nothing to do."""
        paths = [path for folder in folders for path in folder.iterdir()]
        paths += [self.truth, self.facts]
        files = {str(path.relative_to(self.lake.root)): _digest(path) for path in sorted(paths)}
        write_bytes(self.receipt, json_bytes({"fingerprint": fingerprint, "files": files}))


def json_bytes(document: Mapping[str, object]) -> bytes:
    """A document as indented JSON with its own order of keys."""
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def code_digest(folders: list[Path]) -> str:
    """Digest of the Python files and contracts that decide what is made."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted([*folder.rglob("*.py"), *folder.rglob("*__sources.yml")]):
            digest.update(f"{path.relative_to(folder)} {_digest(path)}\n".encode())
    return digest.hexdigest()


def _are_same(one: Path, other: Path) -> bool:
    names = sorted(path.name for path in one.iterdir())
    if names != sorted(path.name for path in other.iterdir()):
        return False
    _, differing, unread = filecmp.cmpfiles(one, other, names, shallow=False)
    return not differing and not unread


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
