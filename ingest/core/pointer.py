"""Which version readers see, and which one the next night goes on from.

`published/current` is what readers see. As a rule it is the last version. After a rollback it is
an earlier one, while what was posted stays posted: the ledger is append-only, so the next night
goes on from the last version all the same. Every move that a person makes is kept as a file in
`decisions/publications`, written before the pointer moves; one that was killed in between counts
for nothing, because the pointer does not stand where it says.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.core.errors import Problem

PUBLISH, ROLLBACK = "publish", "rollback"


@dataclass(frozen=True)
class Move:
    """A move of the pointer by a person: from one version to another, while `latest` was the last.

    `on_date` is the business date of the last version.
    """

    action: str
    from_version: str
    to_version: str
    latest_version: str
    by: str
    why: str
    on_date: str


def shown_version(root: Path) -> str | None:
    """The version that readers of a lake see; None before the first one."""
    pointer = root / "published" / "current"
    return pointer.resolve().name if pointer.is_symlink() else None


def latest_version(root: Path) -> str | None:
    """The last version, which is where the ledger of a lake stands; None before the first one."""
    move = standing_move(root)
    return move.latest_version if move else shown_version(root)


def standing_move(root: Path) -> Move | None:
    """The move by which readers see the version that they see; None if a night put it there."""
    shown = shown_version(root)
    found = [move for move in moves(root) if move.to_version == shown]
    return found[-1] if found else None


def moves(root: Path) -> Iterator[Move]:
    """All moves in their order; Problem if one is damaged."""
    for path in sorted(moves_folder(root).glob("*.json")):
        try:
            yield Move(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise Problem(f"{path} is damaged; restore it from a backup") from error


def moves_folder(root: Path) -> Path:
    """Folder of the moves of a lake."""
    return root / "decisions" / "publications"
