"""In a lake that is being rebuilt: the steps of closes that the original has, taken over unchanged.

A step is taken over after the night that its person looked at. What was frozen is worked out again
from the rebuilt night, and has to have the digest that the step names. The signed packs are taken
over, too, and never made anew: finance has their hash.
"""

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from exports.closes.steps import (
    CLOSE,
    CLOSED,
    FREEZE,
    REOPENING,
    Step,
    periods_with_steps,
    read_history,
    recall_step,
)
from exports.closes.totals import read_totals, write_totals
from exports.months import first_day
from exports.published import open_current
from exports.reader import MANIFEST, require_publication
from exports.statements.header import DRAFT
from exports.statements.pack import write_pack
from exports.statements.packs import month_folder, pack_folder, read_pack
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_bytes
from ingest.core.settings import Settings


def recall_closes(settings: Settings, original: Lake) -> Iterator[str]:
    """Take over what people did in another lake up to the business date that is published here;
    yields a line for each step and pack.

    Problem if what was frozen there is not what this lake has, or a signed pack is damaged.
    """
    lake = Lake(settings.lake)
    night = require_publication(lake).business_date
    for period in periods_with_steps(original):
        steps = _steps_up_to(lake, original, period, night)
        for number, step in steps:
            if step.step == FREEZE:
                _freeze_again(settings, original, step)
            recall_step(lake, original, period, number)
            yield f"{period} v{step.version} {step.step} by {step.by}"
            if step.step == CLOSE:
                yield from _keep_packs(lake, original, step)
        if steps and _was_stated(lake, original, period):
            write_pack(settings, period)


def _steps_up_to(lake: Lake, original: Lake, period: str, night: date) -> list[tuple[int, Step]]:
    """The steps, with their numbers, that were taken up to a night and are not here yet."""
    here = len(read_history(lake, period).steps)
    there = enumerate(read_history(original, period).steps, 1)
    return [(number, step) for number, step in there if number > here and step.on_date <= night]


def _freeze_again(settings: Settings, original: Lake, step: Step) -> None:
    """Work out what a step froze; Problem unless it has the digest that was signed."""
    lake = Lake(settings.lake)
    with open_current(settings) as (publication, marts):
        rows = read_totals(marts, first_day(step.period))
    write_totals(lake, step.period, step.version, step.publication, rows)
    path = lake.close(step.period, step.version)
    if hashlib.sha256(path.read_bytes()).hexdigest() != step.totals_sha256:
        raise Problem(
            f"{step.period} v{step.version} was frozen with other totals than the night "
            f"{publication.business_date} has now; compare {path} with "
            f"{original.close(step.period, step.version)}"
        )
    _keep_record(lake, original, step.publication)


def _keep_record(lake: Lake, original: Lake, version: str) -> None:
    """Keep the record of the night that a freeze cites, in case other code has made this one."""
    for path in (original.root / "raw" / "nights").glob(f"{version.rpartition('-')[2]}*.json"):
        here = lake.root / path.relative_to(original.root)
        if not here.is_file():
            write_bytes(here, path.read_bytes())


def _keep_packs(lake: Lake, original: Lake, step: Step) -> Iterator[str]:
    """Take over the signed packs of a version of a month as they lie in the outbox."""
    for there in sorted(month_folder(original, step.period, step.version).glob("*/")):
        pack = read_pack(there)
        if pack is None or not pack.is_closed:
            continue
        if faults := pack.faults():
            raise Problem(f"{faults[0]}; restore it from a backup, then rebuild again")
        here = pack_folder(lake, step.period, step.version, pack.party)
        _copy_pack(there, here)
        yield f"kept {pack.statement_no} with SHA-256 {pack.sha256}"


def _copy_pack(there: Path, here: Path) -> None:
    """Copy a pack file by file, its manifest last, over the drafts that lie in its place."""
    for path in sorted(here.glob("*")):
        path.unlink()
    for path in sorted(there.iterdir(), key=lambda path: (path.name == MANIFEST, path.name)):
        write_bytes(here / path.name, path.read_bytes())


def _was_stated(lake: Lake, original: Lake, period: str) -> bool:
    """Whether statements were written of a month that is frozen and not closed."""
    history = read_history(lake, period)
    if not history.is_frozen or history.state in (CLOSED, REOPENING):
        return False
    packs = map(read_pack, month_folder(original, period, history.version).glob("*/"))
    return any(pack is not None and pack.manifest["status"] != DRAFT for pack in packs)
