"""Resolve the identities of a night, measure how right they are, explain them, decide on them.

python -m identity_resolution resolve --date D [--full]
python -m identity_resolution evaluate [--date D] [--truth FILE] [--compare]
python -m identity_resolution evaluate --records FILE --settings FILE [--truth COLUMN] [--compare]
python -m identity_resolution explain link SOURCE:ACCOUNT SOURCE:ACCOUNT [--date D]
python -m identity_resolution review [--date D] [--limit N] [--json]
python -m identity_resolution decide must-link|cannot-link|withdraw A B --by WHO --why WHY
python -m identity_resolution train --date D
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from identity_resolution.explain import explain_link
from identity_resolution.looked_up import last_resolved
from identity_resolution.review import keep_decision, review, review_as_json
from identity_resolution.settings import load_identity_settings
from ingest.core.dates import parse_date
from ingest.core.errors import Problem, run_command
from ingest.core.identity_decisions import DECISIONS, account_key
from ingest.core.lake import Lake
from ingest.core.log import start_log, step_log
from ingest.core.settings import Settings, load_settings


def main(argv: list[str]) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    settings = load_settings()
    night = None if arguments.date is None else parse_date(arguments.date)
    commands = {
        "resolve": _resolve,
        "evaluate": _evaluate,
        "explain": _explain,
        "review": _review,
        "decide": _decide,
        "train": _train,
    }
    for line in commands[arguments.command](settings, arguments, night):
        print(line)
    return 0


def _resolve(
    settings: Settings, arguments: argparse.Namespace, night: date | None
) -> Iterable[str]:
    # Numba takes a second to import, and those who ask need none of it.
    from identity_resolution.resolve import resolve_night  # noqa: PLC0415

    assert night is not None
    start_log()
    resolution = resolve_night(settings, load_identity_settings(), night, arguments.full)
    step_log("identity_resolution").info(
        "%s: %d accounts resolved, %d changed links, %d links held among them",
        night,
        resolution.member_links.num_rows,
        resolution.link_changes.num_rows,
        resolution.held_links.num_rows,
    )
    return ()


def _evaluate(
    settings: Settings, arguments: argparse.Namespace, night: date | None
) -> Iterable[str]:
    from identity_resolution.evaluate import evaluate_night, keep_evaluation  # noqa: PLC0415

    if arguments.records:
        return _evaluate_records(settings, arguments)
    if arguments.settings or arguments.out:
        raise Problem("--settings and --out go with --records FILE, not with --date")
    lake, given = Lake(settings.lake), arguments.truth
    night = night or last_resolved(lake)
    if arguments.keep:
        keep_evaluation(settings, night)
        return ()
    truth = Path(given) if given else lake.identity_labels
    found = evaluate_night(settings, night, truth)
    if not arguments.compare:
        return [found.table()]
    from identity_resolution.side_by_side import compare_night  # noqa: PLC0415 - imports Splink

    return [found.table(), "", compare_night(settings, night, truth, found)]


def _evaluate_records(settings: Settings, arguments: argparse.Namespace) -> Iterable[str]:
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
        settings.engine,
    )
    return [report.table()]


def _explain(
    settings: Settings, arguments: argparse.Namespace, night: date | None
) -> Iterable[str]:
    pair = account_key(arguments.one), account_key(arguments.other)
    return explain_link(settings, *pair, night)


def _review(settings: Settings, arguments: argparse.Namespace, night: date | None) -> Iterable[str]:
    if arguments.json:
        return [_json(review_as_json(settings, night, arguments.limit))]
    return review(settings, night, arguments.limit)


def _json(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, indent=2, default=str)


def _decide(settings: Settings, arguments: argparse.Namespace, night: date | None) -> Iterable[str]:
    pair = account_key(arguments.one), account_key(arguments.other)
    decision = arguments.decision.replace("-", "_")
    kept = keep_decision(settings, decision, pair, arguments.by, arguments.why, night)
    return [_json(kept.as_json())] if arguments.json else kept.lines()


def _train(settings: Settings, arguments: argparse.Namespace, night: date | None) -> Iterable[str]:
    from identity_resolution.train import train_on_night  # noqa: PLC0415 - imports Splink

    assert night is not None
    return [train_on_night(settings, night)]


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
    add("train", "make comparison.json anew from a staged night")
    explain = add("explain", "say why two accounts are one member, or why not", is_dated=False)
    explain.add_argument("what", choices=["link"])
    listing = add("review", "list links that were held back, with both sides", is_dated=False)
    listing.add_argument("--limit", type=int, help="how many to show (20; with --json all)")
    listing.add_argument("--json", action="store_true", help="for programs")
    decide = commands.add_parser(
        "decide", help="record that two accounts are one person, or are not, from a night on"
    )
    decide.add_argument("decision", choices=[name.replace("_", "-") for name in DECISIONS])
    for command in (explain, decide):
        command.add_argument("one", help="source:account_id")
        command.add_argument("other", help="source:account_id")
    decide.add_argument("--by", required=True, help="who decides")
    decide.add_argument("--why", required=True, help="why")
    decide.add_argument("--json", action="store_true", help="for programs")
    decide.add_argument(
        "--from",
        dest="date",
        help="first night that it counts, YYYY-MM-DD; default: the next to be published",
    )
    _add_evaluate(
        commands.add_parser("evaluate", help="print how right a night or a table of records is")
    )
    return parser


def _add_evaluate(evaluate: argparse.ArgumentParser) -> None:
    about = evaluate.add_mutually_exclusive_group()
    about.add_argument("--date", help="business date, YYYY-MM-DD; default: the last resolved")
    about.add_argument("--records", type=Path, help="any table of records, Parquet or CSV")
    evaluate.add_argument(
        "--truth",
        help="with --date: Parquet of source, account_id, person_id; default: the lake's labels; "
        "with --records: the column that says who each record is",
    )
    evaluate.add_argument(
        "--keep", action="store_true", help="keep the figures for the run report, as a night does"
    )
    evaluate.add_argument("--settings", type=Path, help="YAML: the columns and their kinds")
    evaluate.add_argument("--out", type=Path, help="folder; default: <records>.resolved")
    evaluate.add_argument(
        "--compare", action="store_true", help="judge plain Splink and keys alone as well"
    )


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
