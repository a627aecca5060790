"""Commands of the bottom package: python -m ingest awaited | open | load | contracts | …."""

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
from rich.console import Console
from rich.table import Table as Grid

from ingest.core.contract import contract_schema, load_source, source_names
from ingest.core.dates import parse_date, parse_time
from ingest.core.errors import NOT_YET, Problem, run_command
from ingest.core.lake import Lake, write_parquet
from ingest.core.log import start_log
from ingest.core.payments import payment_table
from ingest.core.rule_agreements import agree
from ingest.core.settings import Settings, load_settings
from ingest.expectation_files import written_expectations
from ingest.fitness import findings
from ingest.gate import gate
from ingest.lateness import awaited
from ingest.load import load
from ingest.night import open_night
from ingest.restatements import restatement_table
from ingest.rules import written
from ingest.rules.books import load_rule_books
from ingest.rules.changes import RuleChange, change_table, rule_changes
from ingest.rules.compile import compile_rules, read_rules, write_rules
from ingest.rules.funding import check_kept
from ingest.rules.kept import rules_version
from ingest.tier_locks import tier_lock_table

MOST_COLUMNS = 12  # that a person reads side by side
RULES_WIDTH = 180  # columns; narrower terminals wrap
CHANGE_LABELS = (
    *("规则书 book", "项 path", "自 from", "至 until", "原值 before", "新值 after"),
    *("依据 source", "批准 approved by"),
)
ELSEWHERE = {
    "demo": "ingest.demo",
    "connect": "ingest.connectors",
    "keys": "ingest.key_commands",
    "quarantine": "ingest.quarantine_commands",
    "tier-locks": "ingest.tier_lock_commands",
}


def main(argv: list[str]) -> int:
    """Run one command and return its exit status."""
    if argv and argv[0] in ELSEWHERE:
        status: int = importlib.import_module(ELSEWHERE[argv[0]]).main(argv[1:])
        return status
    arguments = _parser().parse_args(argv)
    start_log()
    commands = {
        "awaited": _awaited,
        "open": _open,
        "load": _load,
        "gate": _gate,
        "contracts": _contracts,
        "rules": _rules,
        "fitness": _fitness,
    }
    return commands[arguments.command](arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingest", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    awaiting = commands.add_parser(
        "awaited", help=f"which deliveries a night waits for; status {NOT_YET} while there are any"
    )
    awaiting.add_argument("--date", required=True, help="business date, YYYY-MM-DD")
    awaiting.add_argument(
        "--at", help="time of asking, as 2026-10-30T05:10+08:00; default: after every deadline"
    )
    awaiting.add_argument("--json", action="store_true", help="for programs")
    opening = commands.add_parser("open", help="check everything and open the night of a date")
    opening.add_argument("--date", required=True, help="business date, YYYY-MM-DD")
    opening.add_argument(
        "--at", help="time of asking, as 2026-10-30T05:10+08:00: wait for deliveries until then"
    )
    opening.add_argument("--replace", action="store_true", help="redo the latest published night")
    opening.add_argument(
        "--without-deliveries",
        action="store_true",
        help="await none: for a rehearsal in a copy of the lake",
    )
    loading = commands.add_parser("load", help="load one delivery into the lake")
    loading.add_argument("--source", required=True, help="folder name under models/staging")
    loading.add_argument("--date", required=True, help="business date, YYYY-MM-DD")
    gating = commands.add_parser("gate", help="judge what was loaded for a night by its suites")
    gating.add_argument("--date", required=True, help="business date, YYYY-MM-DD")
    contracts = commands.add_parser("contracts", help="check the contracts of all sources")
    contracts.add_argument("--schema", action="store_true", help="print their JSON Schema instead")
    ruling = commands.add_parser("rules", help="check and compile the rule books")
    ruling.add_argument("--date", help="business date to compile for, YYYY-MM-DD")
    ruling.add_argument(
        "--check", action="store_true", help="only check, and show what is in force"
    )
    ruling.add_argument(
        "--changes",
        action="store_true",
        help="only check, and show what changes against the last night's rules, and when",
    )
    ruling.add_argument("--against", help="folder of other rule books, for --changes")
    ruling.add_argument(
        "--agree",
        action="store_true",
        help="let the night of --date move more members than a change of rules may; --by, --why",
    )
    ruling.add_argument("--by", default="", help="who agrees")
    ruling.add_argument("--why", default="", help="why that many are right")
    ruling.add_argument("--write", type=Path, help="Parquet file for the changes, not the screen")
    commands.add_parser("fitness", help="look at contracts, rules, keys and lake, for the doctor")
    commands.add_parser("keys", help="make, rotate or retire keys", add_help=False)
    commands.add_parser("demo", help="make the demo group's deliveries", add_help=False)
    commands.add_parser("connect", help="turn third-party data into deliveries", add_help=False)
    commands.add_parser("quarantine", help="look at refused rows, and decide", add_help=False)
    commands.add_parser("tier-locks", help="hold a member's tier fast for a time", add_help=False)
    return parser


def _awaited(arguments: argparse.Namespace) -> int:
    settings, day = load_settings(), parse_date(arguments.date)
    at = parse_time(arguments.at) if arguments.at else None
    names = source_names(settings.dbt_project)
    sources = [load_source(settings.dbt_project, name) for name in names]
    found = awaited(Lake(settings.lake), sources, day, at)
    if arguments.json:
        told = [{"source": each.source.name, "until": each.until.isoformat()} for each in found]
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for each in found:
            print(f"{each.source.name}: no delivery for {day} yet; waiting until {each.until_text}")
        if not found:
            print(f"no delivery for {day} is awaited")
    return NOT_YET if found else 0


def _open(arguments: argparse.Namespace) -> int:
    at = parse_time(arguments.at) if arguments.at else None
    return open_night(
        load_settings(),
        parse_date(arguments.date),
        arguments.replace,
        at,
        is_awaiting=not arguments.without_deliveries,
    )


def _load(arguments: argparse.Namespace) -> int:
    for row in load(load_settings(), arguments.source, parse_date(arguments.date)):
        print(
            f"{row['source_file']}: {row['table_name']}, {row['status']}"
            + (f", {row['row_count']} rows" if row["row_count"] is not None else "")
            + (f", {row['quarantined_count']} quarantined" if row["quarantined_count"] else "")
        )
    return 0


def _gate(arguments: argparse.Namespace) -> int:
    outcomes = gate(load_settings(), parse_date(arguments.date))
    missed = sum(record["is_met"] is False for record in outcomes)
    skipped = sum(record["is_met"] is None for record in outcomes)
    print(
        f"{len(outcomes)} expectations of tonight's batches, {missed} not met"
        + (f", {skipped} not judged" if skipped else "")
    )
    return 0


def _contracts(arguments: argparse.Namespace) -> int:
    if arguments.schema:
        print(json.dumps(contract_schema(), indent=2, ensure_ascii=False))
        return 0
    dbt_project = load_settings().dbt_project
    for name in source_names(dbt_project):
        source = load_source(dbt_project, name)
        written = len(written_expectations(dbt_project, source))
        columns = sum(len(table.columns) for table in source.tables)
        print(
            f"{name}: {source.business}, {len(source.tables)} tables, {columns} columns, "
            f"{written} expectations of its own"
        )
    return 0


def _rules(arguments: argparse.Namespace) -> int:
    settings = load_settings()
    day = parse_date(arguments.date) if arguments.date else None
    tables = compile_rules(load_rule_books(settings.rules, settings.dbt_project))
    if arguments.agree:
        return _agree(settings, day, arguments.by, arguments.why)
    if arguments.changes or arguments.against:
        books = Path(arguments.against) if arguments.against else None
        changes = rule_changes(_rules_before(settings, books), tables)
        if arguments.write:
            write_parquet(change_table(changes), arguments.write)
        else:
            _show_changes(changes)
        return 0
    if arguments.check or day is None:
        for name, table in tables.items():
            if name not in written.TABLES:  # the same again, word for word
                _show(name, table.to_pylist(), day)
        return 0
    lake = Lake(settings.lake)
    if kept := read_rules(lake).get("funding"):
        check_kept(kept.to_pylist(), tables["funding"].to_pylist(), day)
    tables = {
        **tables,
        "tier_locks": tier_lock_table(lake, day),
        "restatements": restatement_table(lake, day),
        "payments": payment_table(lake, day),
    }
    write_rules(lake, day, tables)
    print(f"{sum(table.num_rows for table in tables.values())} rules in {len(tables)} tables")
    return 0


def _agree(settings: Settings, day: date | None, by: str, why: str) -> int:
    if day is None:
        raise Problem("an agreement is for one night; say --date YYYY-MM-DD")
    path = agree(Lake(settings.lake), day, rules_version(settings.rules), by, why)
    print(f"these books may move as many members as they do on {day}: {path}")
    return 0


def _fitness(arguments: argparse.Namespace) -> int:
    print(json.dumps([*findings(load_settings())], ensure_ascii=False))
    return 0


def _rules_before(settings: Settings, books: Path | None) -> dict[str, pa.Table]:
    """The rules of another folder, or those that the last night was run by."""
    if books is not None:
        return compile_rules(load_rule_books(books, settings.dbt_project))
    tables = read_rules(Lake(settings.lake))
    if tables and not tables.keys() >= written.TABLES.keys():
        raise Problem(
            "the last night kept no values as they are written in the books; compare with a copy"
            " of its books: --against DIR"
        )
    return tables


def _show_changes(changes: Iterator[RuleChange]) -> None:
    grid = Grid(title="规则变更 what the rule books change", title_justify="left")
    for label in CHANGE_LABELS:
        grid.add_column(label, overflow="fold")
    for each in changes:
        after = each.after if each.is_effective else "不变 changes nothing"
        values = (each.book, each.path, each.effect_date, each.until_date, each.before, after)
        said = (each.source, each.approved_by)
        grid.add_row(*("" if value is None else str(value) for value in (*values, *said)))
    console = Console()
    console.width = max(console.width, RULES_WIDTH)
    console.print(grid if grid.row_count else "规则无变更: the rule books change nothing")


def _show(name: str, rows: list[dict[str, object]], day: date | None) -> None:
    """Print the rules in force on a day; without a day the latest ones. Of a wide table, what not
    every row says stands in one column.
    """
    grid = Grid(title=name, title_justify="left")
    shown = [row for row in rows if _is_in_force(row, day)]
    filled = [
        key for key in (shown[0] if shown else ()) if any(row[key] is not None for row in shown)
    ]
    is_wide = len(filled) > MOST_COLUMNS
    columns = [key for key in filled if not is_wide or all(row[key] is not None for row in shown)]
    for column in [*columns, *(["其余 more"] if is_wide else [])]:
        grid.add_column(column, overflow="fold")
    for row in shown:
        more = [
            f"{key} {row[key]}" for key in filled if key not in columns and row[key] is not None
        ]
        cells = ["" if row[key] is None else str(row[key]) for key in columns]
        grid.add_row(*cells, *([", ".join(more)] if is_wide else []))
    console = Console()
    console.width = max(console.width, RULES_WIDTH)
    console.print(grid if shown else f"{name}: nothing in force")


def _is_in_force(row: dict[str, object], day: date | None) -> bool:
    begin, end = row.get("valid_from_date"), row.get("valid_until_date")
    if day is None:
        return end is None
    is_begun = not isinstance(begin, date) or begin <= day
    return is_begun and (not isinstance(end, date) or day < end)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
