"""Resolve the identities of a night, or measure how right they are.

python -m identity_resolution resolve --date D
python -m identity_resolution evaluate --date D [--truth FILE]
"""

import argparse
import sys
from pathlib import Path

from identity_resolution.evaluate import evaluate_night
from identity_resolution.model import load_identity_settings
from identity_resolution.resolve import resolve_night
from ingest.core.dates import parse_date
from ingest.core.errors import run_command
from ingest.core.lake import Lake
from ingest.core.log import start_log, step_log
from ingest.core.settings import load_settings


def main(argv: list[str]) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    settings = load_settings()
    lake = Lake(settings.lake)
    business_date = parse_date(arguments.date)
    if arguments.command == "evaluate":
        truth = arguments.truth or lake.root / "demo" / "truth.parquet"
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m identity_resolution", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    resolve = commands.add_parser("resolve", help="write the member links of a night")
    evaluate = commands.add_parser(
        "evaluate", help="print how right the member links of a night are"
    )
    for command in (resolve, evaluate):
        command.add_argument("--date", required=True, help="business date, YYYY-MM-DD")
    evaluate.add_argument(
        "--truth",
        type=Path,
        help="Parquet of source, account_id, person_id; default: the demo group's",
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
