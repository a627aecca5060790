"""Derive the tiers or the points of a night's touched members, or what its refunds take back.

python -m ledger tiers --date D
python -m ledger points --date D
python -m ledger refunds --date D
"""

import argparse
import sys

from ingest.core.dates import parse_date
from ingest.core.errors import run_command
from ingest.core.lake import Lake
from ingest.core.log import start_log, step_log
from ingest.core.settings import load_settings
from ledger.points_night import fold_points_night
from ledger.refund_night import fold_refund_night
from ledger.tier_night import fold_tier_night


def main(argv: list[str]) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    business_date = parse_date(arguments.date)
    settings = load_settings()
    lake = Lake(settings.lake)
    start_log()
    log = step_log("ledger")
    if arguments.command == "tiers":
        count = fold_tier_night(lake, business_date, settings.engine)
        log.info("%s: %d tier changes", business_date, count)
    elif arguments.command == "points":
        count = fold_points_night(lake, business_date, settings.engine)
        log.info("%s: %d points entries", business_date, count)
    else:
        count = fold_refund_night(lake, business_date, settings.engine)
        log.info("%s: %d legs of orders taken back by refunds", business_date, count)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ledger", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("tiers", "write tier periods of the members touched tonight"),
        ("points", "write points entries of the members touched tonight"),
        ("refunds", "write what refunds of the orders touched tonight take back"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--date", required=True, help="business date, YYYY-MM-DD")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
