"""A fresh lake made again from what was delivered and decided, and compared with the one there is.

The nights run again in their order, each with the rule books that it had. What nothing could make
again is taken over: deliveries, decisions, rule books, and the signed statement packs with their
hash, which are never made anew. The steps by which people closed
months are taken over one by one, after the night that they looked at; what they froze is worked out
again and has to have the digest that they signed.

The keys are not in the lake: KEYS_FILE has to be the one that made it. The new lake begins with the
newest token key; no figure depends on which one that is.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from dags.backup import check_empty
from dags.engine import engine
from dags.outcome import ZONES, differences, outcome_of
from dags.pipeline import Step, nightly, rules_folder, step_environment
from dags.runner import Board, Runner, Trouble, lake_at_rest, reason_of, run_lock
from dags.status import latest

TAKEN_OVER = ("landing", "decisions", "raw/rule_books")
NOT_AT_ONCE = {"decisions/closes", "decisions/publications"}  # the nights run as before them
RECALL = "recall_closes"
SIGNED = "已关账"  # the status of a signed pack, as its manifest says it
SHOWN = 10  # names of what differs
CHARACTERS = 300  # of an error that may name every file


@dataclass(frozen=True)
class Night:
    """A night to run again, and by what it was made before; None where nothing is recorded."""

    business_date: date
    input_key: str | None = None
    rules_version: str | None = None
    code_version: str | None = None


@dataclass(frozen=True)
class Rebuilt:
    """What became of a rebuild: how many digests of each zone agree, the names that do not."""

    lake: str
    into: str
    nights: tuple[str, ...]
    same: dict[str, int]
    different: tuple[str, ...]
    kept: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether there was something to compare with, and everything agrees."""
        return bool(self.same) and not self.different


def rebuild(lake: Path, into: Path, jobs: int, is_json: bool) -> int:
    """Make the lake again in a new folder, print how the two compare; the exit status: 1 if they
    differ or the old one has nothing to compare with.

    Trouble if the folder is in use, a night fails, or what was signed is not reached.
    """
    check_empty(into)
    with lake_at_rest(lake):
        before = outcome_of(lake)
        nights = nights_of(lake)
        _take_over(lake, into)
    environment = step_environment(into)
    os.environ.update(environment)  # what the steps share belongs to this lake, too
    with engine(), run_lock(into) as lock:
        board = Board(sys.stderr if is_json else sys.stdout, is_brief=True)
        runner = Runner(lock, into / "work" / "logs", environment, board, jobs)
        for night in nights:
            _run(runner, night, lake, into)
    now = outcome_of(into)
    names = differences(before, now)
    rebuilt = Rebuilt(
        lake=str(lake),
        into=str(into),
        nights=tuple(night.business_date.isoformat() for night in nights),
        same={
            zone: sum(name.startswith(f"{zone}/") for name in before.keys() - {*names})
            for zone in ZONES
            if before
        },
        different=tuple(names) if before else (),
        kept=tuple(_kept(into)),
        notes=tuple(_notes(nights, into)),
    )
    told = asdict(rebuilt) | {"is_same": rebuilt.is_same}
    print(json.dumps(told, ensure_ascii=False, indent=2) if is_json else _text(rebuilt))
    return 0 if rebuilt.is_same else 1


def nights_of(lake: Path) -> list[Night]:
    """The published nights in their order; if none is recorded, the dates of the deliveries.

    Trouble if the record of a published night is lost, or nothing was ever delivered.
    """
    last = latest(lake)
    nights: list[Night] = []
    run_key = last["run_key"] if last else None
    while run_key:
        record = _record(lake, run_key)
        keys = (record[name] for name in ("input_key", "rules_version", "code_version"))
        nights.insert(0, Night(date.fromisoformat(record["business_date"]), *keys))
        run_key = record["previous_run_key"]
    return nights or list(_delivered(lake))


def _take_over(lake: Path, into: Path) -> None:
    """Copy what nothing could make again, but for what comes night by night."""
    left_out = {str(lake / name) for name in NOT_AT_ONCE}

    def later(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if str(Path(folder) / name) in left_out}

    try:
        for name in TAKEN_OVER:
            if (lake / name).is_dir():
                shutil.copytree(lake / name, into / name, ignore=later)
    except OSError as error:
        said = " ".join(str(error).split())[:CHARACTERS]
        raise Trouble(f"cannot copy into {into}: {said}; check its owner and free space") from error


def _run(runner: Runner, night: Night, lake: Path, into: Path) -> None:
    """One night with its own rule books, then the steps of closes that were taken after it."""
    recall = Step(RECALL, f"exports recall --from {lake}", ("export",), "Closes taken after it.")
    day = night.business_date.isoformat()
    runner.environment["RULES_DIR"] = str(_rules_of(night, into))
    runner.lock.remember(day)
    outcome = runner.run(day, [*nightly(), recall], {"date": day, "replace": ""})
    for step in outcome.steps:
        if step.status != "done":
            raise Trouble(f"the rebuild stopped in {step.name} of {day}: {reason_of(step.log)}")


def _rules_of(night: Night, into: Path) -> Path:
    """The folder of the rule books that a night had; those of today if they were not kept."""
    kept = into / "raw" / "rule_books" / f"{night.rules_version}.json"
    if not kept.is_file():
        return rules_folder()
    folder = into / "work" / "rule_books" / str(night.rules_version)
    for name, text in json.loads(kept.read_text(encoding="utf-8")).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    return folder


def _record(lake: Path, run_key: str) -> dict[str, Any]:
    path = lake / "raw" / "nights" / f"{run_key}.json"
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Trouble(f"{path} is lost or damaged; restore it from a backup") from error
    return record


def _delivered(lake: Path) -> Iterator[Night]:
    """Every date from the first delivery to the last one."""
    days = sorted(path.name for path in (lake / "landing").glob("*/????-??-??"))
    if not days:
        raise Trouble(f"nothing was delivered in {lake / 'landing'}; there is nothing to rebuild")
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    yield from (Night(first + timedelta(days=n)) for n in range((last - first).days + 1))


def _kept(into: Path) -> Iterator[str]:
    """What was taken over and not made: in how many files."""
    packs = sorted((into / "outbox" / "statements").glob("*/*/manifest.json"))
    signed = [path for path in packs if json.loads(path.read_text("utf-8"))["status"] == SIGNED]
    for name in TAKEN_OVER:
        count = sum(path.is_file() for path in (into / name).rglob("*"))
        yield f"{name}: {count} files"
    yield f"signed statement packs: {len(signed)}, each with the hash of its manifest"


def _notes(nights: Sequence[Night], into: Path) -> Iterator[str]:
    """What of a night's inputs, rules or code is not what it was."""
    again = {night.business_date: night for night in nights_of(into)}
    for night in nights:
        now = again[night.business_date]
        for name, what in (
            ("input_key", "deliveries, decisions or rules"),
            ("rules_version", "rule books"),
            ("code_version", "code"),
        ):
            if getattr(night, name) not in {None, getattr(now, name)}:
                yield f"{night.business_date}: other {what} than when it was published"


def _text(rebuilt: Rebuilt) -> str:
    lines = [f"rebuilt {len(rebuilt.nights)} nights of {rebuilt.lake} in {rebuilt.into}"]
    lines += [f"kept       {kept}" for kept in rebuilt.kept]
    lines += [f"same       {zone}: {count} digests" for zone, count in rebuilt.same.items()]
    lines += [f"different  {name}" for name in rebuilt.different[:SHOWN]]
    if len(rebuilt.different) > SHOWN:
        lines.append(f"different  and {len(rebuilt.different) - SHOWN} more")
    lines += [f"note       {note}" for note in rebuilt.notes]
    if not rebuilt.same:
        lines.append("nothing was published before, so nothing was compared")
    elif rebuilt.is_same:
        lines.append("every digest is that of the original")
    return "\n".join(lines)
