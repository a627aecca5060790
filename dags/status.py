"""Where a lake stands: what is published, what the working folder holds, who is at work.

Reads small files and takes no lock, so it can be asked at any time, also beside a run. With a
date it answers one question, for an alarm that does not depend on the run it watches: is this
business date published?
"""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dags.pipeline import in_order, nightly
from dags.runner import Trouble, lock_file
from dags.takeover import holders
from ingest.core.pointer import Move, latest_version, standing_move


@dataclass(frozen=True)
class Status:
    """published_*: of the version that readers see. work_*: of the night in the working folder,
    whose steps that the command line ran are known. processes: those that hold the lake.
    latest_version: which the next night goes on from. moved: who let readers see what they see, and
    why; None if a night did.
    """

    published_date: str | None
    published_version: str | None
    work_date: str | None
    steps_done: tuple[str, ...]
    steps_left: tuple[str, ...]
    processes: tuple[int, ...]
    latest_version: str | None = None
    moved: Move | None = None


def latest(lake: Path) -> dict[str, Any] | None:
    """The manifest of the last version, which the next night goes on from; as `published`."""
    return published(lake, latest_version(lake) or "current")


def published(lake: Path, version: str = "current") -> dict[str, Any] | None:
    """The manifest of a version, by default of the one that readers see; None if nothing was
    published yet, Trouble if it is damaged.
    """
    manifest = lake / "published" / version / "manifest.json"
    try:
        content: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
        date.fromisoformat(content["business_date"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Trouble(f"{manifest} is damaged; point published/current to a whole one") from error
    return content


def left_to_export(lake: Path) -> str | None:
    """The business date that readers have, if whoever published it did not hand everything out."""
    current, note = published(lake), lake / "metrics" / "to_export"
    if current is None or not note.is_file():
        return None
    is_left = note.read_text(encoding="utf-8").strip() == current["version"]
    return str(current["business_date"]) if is_left else None


def status_of(lake: Path) -> Status:
    """What a lake's small files say; Trouble if the publication is damaged."""
    current = published(lake) or {}
    lock = lock_file(lake)
    first, *done = lock.read_text(encoding="utf-8").splitlines() if lock.is_file() else [""]
    night = first.partition(" ")[2]
    left = [step.name for step in in_order(nightly()) if step.name not in done] if night else []
    return Status(
        published_date=current.get("business_date"),
        published_version=current.get("version"),
        work_date=night or None,
        steps_done=tuple(done),
        steps_left=tuple(left),
        processes=tuple(holders(lock)),
        latest_version=latest_version(lake),
        moved=standing_move(lake),
    )


def report_status(lake: Path, asked: date | None, is_json: bool) -> int:
    """Print the status; 1 if a business date was asked for and is not published, else 0."""
    status = status_of(lake)
    is_late = asked is not None and (status.published_date or "") < asked.isoformat()
    if is_json:
        print(json.dumps(asdict(status) | {"is_late": is_late}, indent=2))
    else:
        print("\n".join(_lines(status)))
    if is_late:
        raise Trouble(
            f"business date {asked} is not published; the last one is "
            f"{status.published_date or 'none'}; see `python -m dags status` and the logs in "
            f"{lake / 'work' / 'logs' / str(asked)}"
        )
    return 0


def _lines(status: Status) -> list[str]:
    published = f"{status.published_date}  version {status.published_version}"
    move = status.moved
    moved = f"{move.action} by {move.by}: {move.why}; last {move.latest_version}" if move else ""
    steps = f"{len(status.steps_done)} steps done"
    if status.steps_left:
        steps += f", left: {', '.join(status.steps_left)}"
    running = ", ".join(f"process {each}" for each in status.processes)
    lines = [
        f"published  {published if status.published_date else 'nothing yet'}",
        f"work       {f'night {status.work_date}: {steps}' if status.work_date else 'nothing'}",
        f"running    {running or 'nobody'}",
    ]
    return lines + [f"moved      {moved}"] * bool(moved)
