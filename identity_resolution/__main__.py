"""Resolve the identities of a night, or measure how right they are.

python -m identity_resolution resolve --date D
python -m identity_resolution evaluate --date D [--truth FILE]
python -m identity_resolution evaluate --records FILE --settings FILE [--truth COLUMN] [--compare]
"""

import argparse
import sys
from pathlib import Path

from identity_resolution.evaluate import evaluate_night
from identity_resolution.model import load_identity_settings
from identity_resolution.resolve import resolve_night
from ingest.core.dates import parse_date
from ingest.core.errors import Problem, run_command
from ingest.core.lake import Lake
from ingest.core.log import start_log, step_log
from ingest.core.settings import load_settings


def main(argv: list[str]) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    settings = load_settings()
    if arguments.command == "evaluate" and arguments.records:
        return _evaluate_records(arguments, settings.engine)
    lake = Lake(settings.lake)
    business_date = parse_date(arguments.date)
    if arguments.command == "evaluate":
        if arguments.settings or arguments.out or arguments.compare:
            raise Problem("--settings, --out and --compare go with --records FILE, not with --date")
        truth = Path(arguments.truth) if arguments.truth else lake.root / "demo" / "truth.parquet"
        print(evaluate_night(lake, business_date, truth, settings.memory_limit).table())
        return 0
    start_log()
    resolution = resolve_night(
        lake, business_date, load_identity_settings(), settings.memory_limit, settings.engine
    )
    step_log("identity_resolution").info(
        "%s: %d accounts, %d changed links, %d refused links",
        business_date,
        resolution.member_links.num_rows,
        resolution.link_changes.num_rows,
        resolution.refused_links.num_rows,
    )
    return 0


def _evaluate_records(arguments: argparse.Namespace, engine: str) -> int:
    """Resolve a table of records and print its figures."""
    if arguments.settings is None:
        raise Problem("--records needs --settings FILE, a YAML with columns and their kinds")
    if arguments.compare and not arguments.truth:
        raise Problem("--compare needs --truth COLUMN, which says who each record is")
    # Splink takes seconds to import, and no night needs it.
    from identity_resolution.records.report import evaluate_records  # noqa: PLC0415

    report = evaluate_records(
        arguments.records,
        arguments.settings,
        arguments.out,
        arguments.truth,
        arguments.compare,
        engine,
    )
    print(report.table())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m identity_resolution", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    resolve = commands.add_parser("resolve", help="write the member links of a night")
    evaluate = commands.add_parser(
        "evaluate", help="print how right a night or a table of records is"
    )
    resolve.add_argument("--date", required=True, help="business date, YYYY-MM-DD")
    about = evaluate.add_mutually_exclusive_group(required=True)
    about.add_argument("--date", help="business date, YYYY-MM-DD")
    about.add_argument("--records", type=Path, help="any table of records, Parquet or CSV")
    evaluate.add_argument(
        "--truth",
        help="with --date: Parquet of source, account_id, person_id; default: the demo group's; "
        "with --records: the column that says who each record is",
    )
    evaluate.add_argument("--settings", type=Path, help="YAML: the columns and their kinds")
    evaluate.add_argument("--out", type=Path, help="folder; default: <records>.resolved")
    evaluate.add_argument(
        "--compare", action="store_true", help="judge plain Splink and keys alone as well"
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
