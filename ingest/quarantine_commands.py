"""Looking at rows that do not count, and deciding about them: python -m ingest quarantine …."""

import argparse
import json
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table as Grid

from ingest.core.contract import Source, load_source, source_names
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.privacy import read_keys, seal
from ingest.core.settings import Settings, load_settings
from ingest.decisions import (
    REJECT,
    RELEASE,
    Decision,
    keep_decision,
    next_night,
    read_decisions,
)
from ingest.generations import KnownValues
from ingest.quarantine import KEY_CONFLICT, QuarantinedRow, quarantined_rows, raw_text, recheck
from ingest.releases import corrections_context
from ingest.versions import released_version

WIDTH = 160
OPEN = "open"  # the state of a row that nobody has decided about
TOLD = (
    *("quarantine_id", "source", "table_name", "load_date", "source_file", "source_row"),
    *("rule", "column_name", "value"),
)
COLUMNS = ("id", "state", "file", "row", "rule", "column", "value")


def main(argv: Sequence[str]) -> int:
    """Run one of ls, show, release, reject; the exit status."""
    arguments = _parser().parse_args(argv)
    settings = load_settings()
    if arguments.action == "ls":
        return _list(settings, arguments.source, arguments.all, arguments.json)
    source, row = _find(settings, arguments.id)
    if arguments.action == "show":
        return _show(settings, row)
    return _decide(settings, source, row, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingest quarantine", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("ls", help="rows that do not count")
    listing.add_argument("--source", help="of this source only")
    listing.add_argument("--all", action="store_true", help="also those that are decided")
    listing.add_argument("--json", action="store_true", help="for programs")
    showing = actions.add_parser("show", help="one row with its text (personal data!)")
    releasing = actions.add_parser("release", help="let a row count from the next night on")
    rejecting = actions.add_parser("reject", help="leave a row out for good")
    for each in (showing, releasing, rejecting):
        each.add_argument("id", help="first column of `ls`")
    for each in (releasing, rejecting):
        each.add_argument("--by", required=True, help="who decides")
        each.add_argument("--reason", required=True, help="why")
    releasing.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="COLUMN=TEXT",
        help="a corrected value, as the file would write it; an empty text is no value",
    )
    return parser


def _list(settings: Settings, source_name: str | None, is_all: bool, is_json: bool) -> int:
    names = source_names(settings.dbt_project)
    if source_name is not None and source_name not in names:
        raise Problem(f"no source '{source_name}'; there are {', '.join(names)}")
    listed = [
        (state, row)
        for name in (names if source_name is None else [source_name])
        for state, row in _rows_of(settings, name)
        if is_all or state == OPEN
    ]
    if is_json:
        told = [{"state": state, **_as_json(row)} for state, row in listed]
        print(json.dumps(told, ensure_ascii=False, indent=2, default=str))
        return 0
    grid = Grid(*COLUMNS)
    for state, row in listed:
        place = f"{row.source}/{row.source_file}"
        told_row = [row.rule, row.column_name or "", row.value or ""]
        grid.add_row(row.quarantine_id, state, place, str(row.source_row), *told_row)
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(grid if grid.row_count else "no row waits for a decision")
    return 0


def _rows_of(settings: Settings, source: str) -> Iterator[tuple[str, QuarantinedRow]]:
    """The rows of a source that do not count, each with what was decided about it."""
    lake = Lake(settings.lake)
    states = {each.quarantine_id: each.decision for each in read_decisions(lake, source)}
    for row in quarantined_rows(lake, load_source(settings.dbt_project, source)):
        yield states.get(row.quarantine_id, OPEN), row


def _as_json(row: QuarantinedRow) -> dict[str, object]:
    """What a program may read of a row: where it lies and why it does not count, not its text."""
    return {name: getattr(row, name) for name in TOLD}


def _find(settings: Settings, quarantine_id: str) -> tuple[Source, QuarantinedRow]:
    for name in source_names(settings.dbt_project):
        source = load_source(settings.dbt_project, name)
        for row in quarantined_rows(Lake(settings.lake), source):
            if row.quarantine_id == quarantine_id:
                return source, row
    raise Problem(
        f"no row {quarantine_id} in quarantine; `python -m ingest quarantine ls` lists them"
    )


def _show(settings: Settings, row: QuarantinedRow) -> int:
    lake = Lake(settings.lake)
    print(f"{row.source}.{row.table_name}, {row.source_file}, row {row.source_row}")
    print(f"file SHA-256 {row.source_sha256}" if row.source_sha256 else "lies in raw/")
    print(f"rule {row.rule}, column {row.column_name}")
    if row.sealed:
        print(raw_text(lake, row, read_keys(settings.keys_file)))
    for decision in read_decisions(lake, row.source):
        if decision.quarantine_id == row.quarantine_id:
            print(
                f"{decision.decision} from {decision.effective_from} on, "
                f"by {decision.decided_by}: {decision.reason}"
            )
    return 0


def _decide(
    settings: Settings, source: Source, row: QuarantinedRow, arguments: argparse.Namespace
) -> int:
    """Check and write down a decision; Problem if a released row would still be refused."""
    lake, keys = Lake(settings.lake), read_keys(settings.keys_file)
    effective_from = next_night(lake, row.source)
    is_release = arguments.action == "release"
    corrections = _corrections(source, row, arguments.set) if is_release else {}
    if is_release and row.sealed:
        version = released_version(row.version, effective_from)
        known = KnownValues(lake, settings.dbt_project, keys.token_key_id, effective_from)
        recheck(lake, source, row, version, corrections, keys, known)
    decision = Decision(
        quarantine_id=row.quarantine_id,
        decision=RELEASE if is_release else REJECT,
        source=row.source,
        table_name=row.table_name,
        load_date=row.load_date,
        source_file=row.source_file,
        source_row=row.source_row,
        effective_from=effective_from,
        decided_by=arguments.by,
        reason=arguments.reason,
    )
    if corrections:
        text = json.dumps(corrections, ensure_ascii=False)
        sealed = seal(keys, [text], [corrections_context(decision)])
        hidden = {"sealed": sealed.sealed[0].hex(), "wrapped_key": sealed.wrapped_keys[0].hex()}
        decision = Decision(**{**vars(decision), **hidden})
    path = keep_decision(lake, decision)
    print(f"{decision.decision} of {row.quarantine_id} counts from {effective_from} on: {path}")
    return 0


def _corrections(
    source: Source, row: QuarantinedRow, settings: Sequence[str]
) -> dict[str, str | None]:
    if settings and row.rule == KEY_CONFLICT:
        raise Problem("a contradiction is settled by releasing one of its rows, without --set")
    values: dict[str, str | None] = {}
    names = [column.name for column in source.table(row.table_name).file_columns]
    for setting in settings:
        name, separator, text = setting.partition("=")
        if not separator or name not in names:
            raise Problem(f"--set {setting} is not COLUMN=TEXT; columns: {', '.join(names)}")
        values[name] = text.strip() or None
    return values
