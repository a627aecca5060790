"""Verify and publish a night, close a month, write what leaves the platform.

python -m exports verify --date D
python -m exports publish --date D
python -m exports export --date D
python -m exports point back [--to D] --by WHO --why WHY
python -m exports point last --by WHO --why WHY
python -m exports intact
python -m exports alarm failed|broken|late|waiting --about WHAT --text TEXT
python -m exports recall --from LAKE
python -m exports close --period YYYY-MM
python -m exports close STEP --period YYYY-MM --by WHO [--why WHY] [--party PARTY]
python -m exports payments record FILE --by WHO
python -m exports payments add --reference NO --on D --from PARTY --to PARTY --fen FEN --by WHO
python -m exports payments reverse NO --by WHO --why WHY
python -m exports payments ls
python -m exports statements --period YYYY-MM
python -m exports statements verify
python -m exports verify-pack FOLDER [--key PEM]
python -m exports merchants [--by-merchant]
python -m exports summary
python -m exports foresee --date D [--json]
python -m exports compare --date D --before LAKE --after LAKE
python -m exports explain member M… | SOURCE:ACCOUNT
python -m exports explain activity ID | BUSINESS:DOCUMENT
python -m exports explain balance M… --on D --known D
python -m exports explain line LINE
python -m exports explain statement JS-… | --diff JS-…-v1 JS-…-v2
python -m exports simulation --date D --before LAKE --after LAKE --from D --to D …
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from exports.closes.commands import add_arguments
from exports.closes.commands import run as run_close
from exports.payments import add_arguments as add_payment_arguments
from exports.payments import run as run_payments
from exports.pointing import check_digests, publish_last, roll_back
from exports.publish import publish_night
from exports.reader import MANIFEST, require_publication
from exports.summary import print_summary
from exports.verify import failing_rows_file, verify_night
from exports.writer import json_bytes
from ingest.core.dates import parse_date
from ingest.core.errors import Problem, run_command
from ingest.core.lake import Lake
from ingest.core.log import start_log
from ingest.core.settings import load_settings


def main(argv: list[str]) -> int:
    """Run one command and return its exit status."""
    arguments = _parser().parse_args(argv)
    start_log()
    commands = {
        "verify": _verify,
        "publish": _publish,
        "export": _export,
        "point": _point,
        "intact": _intact,
        "alarm": _alarm,
        "recall": _recall,
        "close": _close,
        "payments": _payments,
        "statements": _statements,
        "verify-pack": _verify_pack,
        "merchants": _merchants,
        "summary": _summary,
        "foresee": _foresee,
        "compare": _compare,
        "explain": _explain,
        "simulation": _simulation,
    }
    return commands[arguments.command](arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m exports",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("verify", "check the night that is open"),
        ("publish", "publish the verified night"),
        ("export", "write statements, audiences, feeds and the report of the published night"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--date", required=True, help="business date, YYYY-MM-DD")
    point = commands.add_parser("point", help="let readers see another version")
    point.add_argument("where", choices=["back", "last"], help="an earlier one, or the last again")
    point.add_argument("--to", help="business date to go back to; default: the one before")
    point.add_argument("--by", required=True, help="who decides")
    point.add_argument("--why", required=True, help="why")
    point.add_argument("--json", action="store_true", help="for programs")
    alarm = commands.add_parser("alarm", help="tell people, unless they were told already")
    alarm.add_argument("kind", choices=["failed", "broken", "late", "waiting"])
    alarm.add_argument("--about", required=True, help="what makes two alarms the same")
    alarm.add_argument("--text", required=True, help="what a person reads")
    commands.add_parser("intact", help="digest the published marts anew, and compare")
    recall = commands.add_parser("recall", help="take over the closes of a lake that is rebuilt")
    recall.add_argument("--from", dest="original", type=Path, required=True, help="that lake")
    add_arguments(commands.add_parser("close", help="close a month, at one go or step by step"))
    add_payment_arguments(commands.add_parser("payments", help="record what finance has paid"))
    statements = commands.add_parser("statements", help="write a month's statements, or verify all")
    statements.add_argument("what", nargs="?", choices=["write", "verify"], default="write")
    statements.add_argument("--period", help="month to write, YYYY-MM")
    pack = commands.add_parser("verify-pack", help="say whether a closed statement is as signed")
    pack.add_argument("folder", type=Path, help="folder of the statement; earlier ones beside it")
    pack.add_argument("--key", type=Path, help="public key that may sign; default: the keys file's")
    merchants = commands.add_parser("merchants", help="print what merchants sold and are owed")
    merchants.add_argument("--by-merchant", action="store_true", help="a line a merchant and month")
    summary = commands.add_parser("summary", help="print what the published nights did, and where")
    summary.add_argument("--json", action="store_true", help="for programs")
    foresee = commands.add_parser("foresee", help="print what the night that is built would change")
    foresee.add_argument("--date", required=True, help="business date, YYYY-MM-DD")
    foresee.add_argument("--json", action="store_true", help="for programs")
    compare = commands.add_parser("compare", help="print what two built nights post differently")
    simulation = commands.add_parser("simulation", help="write what two sets of rules make of time")
    for command in (compare, simulation):
        command.add_argument("--date", required=True, help="business date of both, YYYY-MM-DD")
        command.add_argument("--before", type=Path, required=True, help="lake of the night as is")
        command.add_argument("--after", type=Path, required=True, help="lake of the changed night")
        command.add_argument("--json", action="store_true", help="for programs")
    simulation.add_argument("--from", dest="first", required=True, help="first business date")
    simulation.add_argument("--to", dest="last", required=True, help="last business date")
    simulation.add_argument("--rules", type=Path, required=True, help="file of the rules' changes")
    simulation.add_argument("--out", type=Path, required=True, help="folder to write")
    explain = commands.add_parser("explain", help="say where points, tiers and money come from")
    explain.add_argument("what", choices=["member", "activity", "balance", "line", "statement"])
    explain.add_argument(
        "named",
        nargs="?",
        help="member id, source:account_id, activity id, business:no, line id, statement number",
    )
    explain.add_argument("--diff", nargs=2, metavar="NO", help="lines by which statements differ")
    explain.add_argument("--on", help="business date, YYYY-MM-DD; default: the last night")
    explain.add_argument("--known", help="what was known after this night; default: the last one")
    explain.add_argument("--json", action="store_true", help="rows for programs, all of them")
    explain.add_argument("--all", action="store_true", help="lots used up and all movements, too")
    return parser


def _verify(arguments: argparse.Namespace) -> int:
    settings = load_settings()
    found = verify_night(settings, parse_date(arguments.date))
    for failure in found.failures:
        print(f"error: {failure}", file=sys.stderr)
    rows = failing_rows_file(Lake(settings.lake))
    if rows.is_file():
        print(f"error: the rows that fail are named in {rows}", file=sys.stderr)
    if found.failures:
        return 1
    print(
        f"{len(found.marts)} marts, {len(found.invariants)} invariants "
        f"and {len(found.expectations)} expectations hold"
    )
    return 0


def _publish(arguments: argparse.Namespace) -> int:
    published = publish_night(load_settings(), parse_date(arguments.date))
    publication = published.publication
    verb = "published" if published.is_new else "was published before:"
    rows = sum(publication.row_counts.values())
    print(f"{verb} {publication.version}: {rows} rows in {publication.folder}")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from exports.nightly import export  # noqa: PLC0415 - the other commands need none of it

    for path in export(load_settings(), parse_date(arguments.date)):
        print(path)
    return 0


def _point(arguments: argparse.Namespace) -> int:
    lake, (by, why) = Lake(load_settings().lake), (arguments.by, arguments.why)
    if arguments.where == "last":
        move = publish_last(lake, by, why)
    else:
        move = roll_back(lake, parse_date(arguments.to, "--to") if arguments.to else None, by, why)
    if arguments.json:
        _print_json(asdict(move))
    else:
        print(f"readers see {move.to_version} now, and saw {move.from_version}")
    return 0


def _intact(arguments: argparse.Namespace) -> int:
    publication = require_publication(Lake(load_settings().lake))
    print(f"{check_digests(publication)} marts of {publication.version} are as they were published")
    return 0


def _alarm(arguments: argparse.Namespace) -> int:
    from exports.alarms import send_alarm  # noqa: PLC0415 - the other commands need none of it

    print(send_alarm(load_settings(), arguments.kind, arguments.about, arguments.text))
    return 0


def _recall(arguments: argparse.Namespace) -> int:
    from exports.closes.recall import recall_closes  # noqa: PLC0415 - the other commands need none of it

    for line in recall_closes(load_settings(), Lake(arguments.original)):
        print(line)
    return 0


def _close(arguments: argparse.Namespace) -> int:
    return run_close(load_settings(), arguments)


def _payments(arguments: argparse.Namespace) -> int:
    return run_payments(load_settings(), arguments)


def _statements(arguments: argparse.Namespace) -> int:
    from exports.statements.pack import write_pack  # noqa: PLC0415 - the other commands need none of it
    from exports.statements.signatures import trusted_keys  # noqa: PLC0415
    from exports.statements.verify import verify_statements  # noqa: PLC0415

    if arguments.what == "write":
        if not arguments.period:
            raise Problem("which month? add --period YYYY-MM")
        for path in write_pack(load_settings(), arguments.period):
            print(path)
        return 0
    settings = load_settings()
    found = verify_statements(Lake(settings.lake), trusted_keys(settings.keys_file))
    for fault in found.faults:
        print(f"error: {fault}", file=sys.stderr)
    if found.faults:
        return 1
    print(
        f"{found.statement_count} statements of {found.party_count} parties: {found.file_count} "
        "files, numbers, figures, chains and signatures are as they were written"
    )
    return 0


def _verify_pack(arguments: argparse.Namespace) -> int:
    from exports.statements.signatures import trusted_key, trusted_keys  # noqa: PLC0415 - the other commands need none of it
    from exports.statements.verify import verify_pack  # noqa: PLC0415

    given = arguments.key
    trusted = trusted_key(given) if given else trusted_keys(load_settings().keys_file)
    print(verify_pack(arguments.folder, trusted))
    return 0


def _merchants(arguments: argparse.Namespace) -> int:
    from exports.merchants import merchant_table  # noqa: PLC0415 - the other commands need none of it

    for line in merchant_table(load_settings(), arguments.by_merchant):
        print(line)
    return 0


def _summary(arguments: argparse.Namespace) -> int:
    print_summary(load_settings(), arguments.json)
    return 0


def _foresee(arguments: argparse.Namespace) -> int:
    from exports.foresight import foresee, print_foresight  # noqa: PLC0415 - the other commands need none of it

    foresight = foresee(load_settings(), parse_date(arguments.date))
    if arguments.json:
        _print_json(foresight.as_json())
    else:
        print_foresight(foresight)
    for failure in foresight.failures:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if foresight.failures else 0


def _compare(arguments: argparse.Namespace) -> int:
    from exports.compare import compare_nights, print_comparison  # noqa: PLC0415 - the other commands need none of it

    before, after = Lake(arguments.before), Lake(arguments.after)
    night = parse_date(arguments.date)
    comparison = compare_nights(before, after, night, load_settings().memory_limit)
    if arguments.json:
        _print_json(comparison.as_json())
    else:
        print_comparison(comparison)
    if not comparison.is_kept:
        raise Problem("a total above is not what it must be; the changed night would be refused")
    return 0


def _print_json(told: Mapping[str, Any]) -> None:
    """Print an answer for programs, and nothing else on standard output."""
    print(json_bytes(told).decode(), end="")


def _explain(arguments: argparse.Namespace) -> int:
    from exports.explain.answer import answer  # noqa: PLC0415 - the other commands need none of it
    from exports.explain.facts import facts_of, facts_of_difference  # noqa: PLC0415
    from exports.explain.statement import explain_difference  # noqa: PLC0415

    if arguments.diff:
        if arguments.what != "statement":
            raise Problem("--diff is of two statements: explain statement --diff NO NO")
        lake = Lake(load_settings().lake)
        if arguments.json:
            _print_json(facts_of_difference(lake, *arguments.diff))
            return 0
        for line in explain_difference(lake, *arguments.diff):
            print(line)
        return 0
    if not arguments.named:
        raise Problem(f"which {arguments.what}? name it")
    on, known = (parse_date(text) if text else None for text in (arguments.on, arguments.known))
    if arguments.json:
        _print_json(facts_of(load_settings(), arguments.what, arguments.named, on, known))
        return 0
    for line in answer(load_settings(), arguments.what, arguments.named, on, known, arguments.all):
        print(line)
    return 0


def _simulation(arguments: argparse.Namespace) -> int:
    from exports.simulation import write_simulation  # noqa: PLC0415 - the other commands need none of it
    from exports.simulation.sides import Window  # noqa: PLC0415

    window = Window(
        parse_date(arguments.first, "--from"),
        parse_date(arguments.last, "--to"),
        parse_date(arguments.date),
    )
    sides = Lake(arguments.before), Lake(arguments.after)
    memory = load_settings().memory_limit
    page = write_simulation(*sides, window, arguments.rules, arguments.out, memory)
    if arguments.json:
        manifest = json.loads((page.parent / MANIFEST).read_text(encoding="utf-8"))
        _print_json({"folder": str(page.parent), "page": page.name, **manifest})
    else:
        print(page)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
