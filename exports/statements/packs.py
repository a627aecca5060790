"""The statements that were written: where each lies, and whether it is whole."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exports.folder import file_name, file_sha256
from exports.reader import MANIFEST
from exports.statements.header import CLOSED
from exports.writer import TEMPORARY
from ingest.core.errors import Problem
from ingest.core.lake import Lake

SIGNATURE = f"{MANIFEST}.sig"
PUBLIC_KEY = "signing_key.pem"
PUBLIC_KEY_SIGNATURE = f"{PUBLIC_KEY}.sig"  # by the key of the statement before, if it is another


@dataclass(frozen=True)
class Pack:
    """One party's statement of a month as it lies in the outbox. `sha256` is its manifest's."""

    folder: Path
    manifest: Mapping[str, Any]
    sha256: str

    @property
    def statement_no(self) -> str:
        """Number of the statement."""
        return str(self.manifest["statement_no"])

    @property
    def party(self) -> str:
        """Whose statement it is."""
        return str(self.manifest["party"])

    @property
    def is_closed(self) -> bool:
        """True if it is final and never written again."""
        return bool(self.manifest["status"] == CLOSED)

    @property
    def signing_key_id(self) -> str | None:
        """The key that signed it; None if it is no closed one, or from before they were signed."""
        key_id = self.manifest.get("signing_key_id")
        return str(key_id) if key_id else None

    @property
    def before_sha256(self) -> str | None:
        """SHA-256 of the manifest of the statement before it; None if it is its party's first."""
        return self.manifest.get("previous_manifest_sha256")

    @property
    def place(self) -> tuple[str, int]:
        """Month and version: the order in which a party's statements follow each other."""
        return self.manifest["period"], self.manifest["statement_version"]

    def faults(self) -> list[str]:
        """What of its files is not as the manifest says."""
        found = []
        for entry in self.manifest["files"]:
            path = self.folder / entry["name"]
            if not path.is_file():
                found.append(f"{path} is missing")
            elif file_sha256(path) != entry["sha256"]:
                found.append(f"{path} has another SHA-256 than its manifest says")
        listed = {MANIFEST, *(entry["name"] for entry in self.manifest["files"])}
        if self.signing_key_id:
            listed.add(SIGNATURE)
            if not (self.folder / SIGNATURE).is_file():
                found.append(f"{self.folder / SIGNATURE} is missing")
        there = {path.name for path in self.folder.iterdir()}
        found += [f"{self.folder / name} is not in the manifest" for name in sorted(there - listed)]
        return found


def statements_folder(lake: Lake) -> Path:
    """Folder of all months' statements."""
    return lake.outbox / "statements"


def month_folder(lake: Lake, period: str, version: int) -> Path:
    """Folder of a month's statements; each later version has its own beside it."""
    name = period if version == 1 else f"{period}-v{version}"
    return statements_folder(lake) / name


def pack_folder(lake: Lake, period: str, version: int, party: str) -> Path:
    """Folder of one party's statement."""
    return month_folder(lake, period, version) / file_name(party)


def read_pack(folder: Path) -> Pack | None:
    """The statement in a folder; None if none is complete there."""
    try:
        content = (folder / MANIFEST).read_bytes()
        manifest = json.loads(content)
        needed = ("statement_no", "status", "party", "period", "statement_version", "files")
        if not all(name in manifest for name in needed):
            return None
    except (OSError, ValueError):
        return None
    return Pack(folder, manifest, hashlib.sha256(content).hexdigest())


def closed_packs(lake: Lake) -> Iterator[Pack]:
    """All final statements, by folder."""
    yield from (pack for pack in packs_in(statements_folder(lake)) if pack.is_closed)


def find_pack(lake: Lake, statement_no: str) -> Pack:
    """The statement of a number; Problem if it is not there, or not whole."""
    for pack in packs_in(statements_folder(lake)):
        if pack.statement_no == statement_no:
            if faults := pack.faults():
                raise Problem(f"{faults[0]}; restore it from a backup")
            return pack
    raise Problem(
        f"no statement {statement_no} in {lake.outbox / 'statements'}; its manifest.json there "
        "names the number of each"
    )


def check_packs(lake: Lake, period: str, version: int, rows: Iterable[Mapping[str, Any]]) -> None:
    """Problem unless every final statement of a closed month is there and whole."""
    for row in rows:
        pack = read_pack(pack_folder(lake, period, version, row["party"]))
        if pack is None or not pack.is_closed or pack.faults():
            raise Problem(
                f"statement {row['statement_no']} is not whole in the outbox; write it first: "
                f"python -m exports statements --period {period}"
            )


def packs_in(statements: Path) -> Iterator[Pack]:
    """Whatever statements lie in a folder of months."""
    for path in sorted(statements.glob(f"*/*/{MANIFEST}")):
        if not path.parent.name.endswith(TEMPORARY) and (pack := read_pack(path.parent)):
            yield pack
