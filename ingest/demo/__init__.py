"""The demo group: one seeded population living across every business, and the truth about it.

    python -m ingest demo [--people N] [--from DATE] [--nights N] [--history-days N] [--seed N] …

The same arguments give the same bytes. The first delivery holds the history before it; a night's
files do not depend on how many nights are made, so more nights can be added later.
"""

import argparse
from pathlib import Path

from ingest.core.contract import load_source, source_names
from ingest.core.dates import parse_date
from ingest.core.errors import Problem
from ingest.core.lake import Lake, check_writable
from ingest.core.settings import PROJECT, load_settings
from ingest.demo.deliveries import make_deliveries
from ingest.demo.files import DemoLake, code_digest
from ingest.demo.world import Group

SMALLEST_GROUP = 100  # people; fewer do not fill the businesses
LARGEST_GROUP = 5_000_000  # plates and mobile numbers stay distinct up to here
LONGEST_HISTORY_DAYS = 3_650


def main(argv: list[str]) -> int:
    """Make the deliveries that are missing; 0 also if there was nothing to make.

    Raises Problem for wrong arguments, an unwritable lake, or a landing folder with other content.
    """
    arguments = _parser().parse_args(argv)
    settings = load_settings()
    root = Path(arguments.lake).expanduser().absolute() if arguments.lake else settings.lake
    group = _group(arguments)
    demo = DemoLake(Lake(root))
    check_writable(root)
    code = code_digest([PROJECT / "ingest", settings.dbt_project / "models" / "staging"])
    fingerprint = f"{group} {code}"
    if demo.is_made(fingerprint):
        print(f"demo group: nothing new to make in {root}")
        return 0
    names = source_names(settings.dbt_project)
    sources = [load_source(settings.dbt_project, name) for name in names]
    row_count = make_deliveries(demo, group, sources)
    landings = [
        demo.lake.landing(source.name, day) for source in sources for day, _ in group.deliveries()
    ]
    demo.keep_receipt(fingerprint, landings)
    print(
        f"demo group: {group.people_count:,} people, {row_count:,} rows for {group.night_count} "
        f"nights from {group.first_night} in {root / 'landing'}"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingest demo", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000, help="size of the population")
    parser.add_argument(
        "--from", dest="first_night", default="2026-10-29", help="first business date"
    )
    parser.add_argument("--nights", type=int, default=5, help="number of deliveries")
    parser.add_argument(
        "--history-days", type=int, default=400, help="days in the first delivery before its own"
    )
    parser.add_argument(
        "--seed", type=int, default=20_261_029, help="another seed, another population"
    )
    parser.add_argument("--activity-percent", type=int, default=100, help="how busy everybody is")
    parser.add_argument("--lake", help="folder of the lake, default LAKE_ROOT")
    return parser


def _group(arguments: argparse.Namespace) -> Group:
    """The checked arguments; Problem names the first that cannot be."""
    for name, value, least, most in (
        ("--people", arguments.people, SMALLEST_GROUP, LARGEST_GROUP),
        ("--nights", arguments.nights, 1, 366),
        ("--history-days", arguments.history_days, 0, LONGEST_HISTORY_DAYS),
        ("--seed", arguments.seed, 0, 2**63 - 1),
        ("--activity-percent", arguments.activity_percent, 1, 5_000),
    ):
        if not least <= value <= most:
            raise Problem(f"{name} {value} is out of range; give a number from {least} to {most}")
    return Group(
        people_count=arguments.people,
        first_night=parse_date(arguments.first_night, "--from"),
        night_count=arguments.nights,
        history_days=arguments.history_days,
        seed=arguments.seed,
        activity_percent=arguments.activity_percent,
    )
