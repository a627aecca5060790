"""Resolve the identities of a night, measure how right they are, explain them, decide on them.

python -m identity_resolution resolve --date D [--full]
python -m identity_resolution evaluate --date D [--truth FILE]
python -m identity_resolution explain link SOURCE:ACCOUNT SOURCE:ACCOUNT [--date D]
python -m identity_resolution review [--date D] [--limit N]
python -m identity_resolution decide must-link|cannot-link|withdraw A B --by WHO --why WHY
python -m identity_resolution train --date D
"""

import argparse
import sys
from datetime import date
from pathlib import Path

from identity_resolution.evaluate import evaluate_night
from identity_resolution.explain import explain_link
from identity_resolution.resolve import resolve_night
from identity_resolution.review import keep_decision, review
from identity_resolution.settings import load_identity_settings
from ingest.core.dates import parse_date
from ingest.core.errors import run_command
from ingest.core.identity_decisions import DECISIONS, account_key
from ingest.core.lake import Lake
from ingest.core.log import start_log, step_log
from ingest.core.settings import Settings, load_settings

REVIEWED = 20


def main(argv: list[str]) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    settings = load_settings()
    night = None if arguments.date is None else parse_date(arguments.date)
    match arguments.command:
        case "resolve":
            _resolve(settings, arguments, night)
        case "evaluate":
            lake = Lake(settings.lake)
            truth = arguments.truth or lake.root / "demo" / "truth.parquet"
            assert night is not None
            print(evaluate_night(lake, night, truth, settings.memory_limit).table())
        case "explain":
            pair = account_key(arguments.one), account_key(arguments.other)
            print("\n".join(explain_link(settings, *pair, night)))
        case "review":
            print("\n".join(review(settings, night, arguments.limit)))
        case "decide":
            pair = account_key(arguments.one), account_key(arguments.other)
            decision = arguments.decision.replace("-", "_")
            told = keep_decision(settings, decision, pair, arguments.by, arguments.why, night)
            print("\n".join(told))
        case "train":
            from identity_resolution.train import train_on_night  # noqa: PLC0415 - slow

            assert night is not None
            print(train_on_night(settings, night))
    return 0


def _resolve(settings: Settings, arguments: argparse.Namespace, night: date | None) -> None:
    assert night is not None
    start_log()
    resolution = resolve_night(settings, load_identity_settings(), night, arguments.full)
    step_log("identity_resolution").info(
        "%s: %d accounts, %d changed links, %d held links",
        night,
        resolution.member_links.num_rows,
        resolution.link_changes.num_rows,
        resolution.held_links.num_rows,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m identity_resolution", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, what: str, is_dated: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what, description=what)
        text = "business date, YYYY-MM-DD" + ("" if is_dated else "; default: the last resolved")
        command.add_argument("--date", required=is_dated, help=text)
        return command

    resolve = add("resolve", "write the member links of a night")
    resolve.add_argument(
        "--full", action="store_true", help="resolve everybody, not only what changed"
    )
    evaluate = add("evaluate", "print how right the member links of a night are")
    evaluate.add_argument(
        "--truth",
        type=Path,
        help="Parquet of source, account_id, person_id; default: the demo group's",
    )
    add("train", "make comparison.json anew from a staged night")
    explain = add("explain", "say why two accounts are one member, or why not", is_dated=False)
    explain.add_argument("what", choices=["link"])
    listing = add("review", "list links that were held back, with both sides", is_dated=False)
    listing.add_argument("--limit", type=int, default=REVIEWED, help="how many to show")
    decide = commands.add_parser(
        "decide", help="record that two accounts are one person, or are not, from the next night on"
    )
    decide.add_argument("decision", choices=[name.replace("_", "-") for name in DECISIONS])
    for command in (explain, decide):
        command.add_argument("one", help="source:account_id")
        command.add_argument("other", help="source:account_id")
    decide.add_argument("--by", required=True, help="who decides")
    decide.add_argument("--why", required=True, help="why")
    decide.add_argument(
        "--from", dest="date", help="first night that it counts, YYYY-MM-DD; default: the next one"
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
