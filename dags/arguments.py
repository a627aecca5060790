"""What each command of `python -m dags` takes: its arguments, and examples for its help.

An argument is written once, so it means the same wherever it stands: --date is a business date,
--from and --to are the first and the last one, --by and --why say who decides and for what reason,
--json prints for programs what a person would read.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dags.pipeline import PARTS

EXIT_STATUS = (
    "exit status: 0 done or nothing new, 1 failed (the last line begins with error: and says what, "
    "where and what to do) or not so (status, doctor, rebuild), 2 wrong arguments, 75 not yet "
    "(awaited), 99 nothing to do (of a single step), 130 stopped"
)


def day(text: str) -> date:
    """A business date, written YYYY-MM-DD."""
    try:
        found = date.fromisoformat(text)
        if found.isoformat() == text:  # 20260331 is a date too, but not how folders write it
            return found
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text} is no date; write it as 2026-03-31")


def period(text: str) -> str:
    """A month, written YYYY-MM."""
    try:
        return f"{date.fromisoformat(text + '-01'):%Y-%m}"
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no month; write it as 2026-03") from error


def account(text: str) -> str:
    """An account, written SOURCE:ACCOUNT."""
    source, separator, account_id = text.partition(":")
    if source and separator and account_id:
        return text
    raise argparse.ArgumentTypeError(f"{text} is no account; write it as SOURCE:ACCOUNT")


def count(text: str) -> int:
    """A number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of 1 or more")
    return int(text)


class OneLine(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Say what is wrong with the arguments, and end with status 2."""
        print(f"error: {message} ({self.prog} --help shows how)", file=sys.stderr)
        sys.exit(2)


@dataclass(frozen=True)
class Argument:
    """One argument as argparse takes it. Those of one `group` exclude each other."""

    name: str
    options: dict[str, Any]
    group: str = ""


def _argument(name: str, text: str, group: str = "", **options: Any) -> Argument:
    return Argument(name, {"help": text, **options}, group)


def _flag(name: str, text: str, group: str = "") -> Argument:
    return _argument(name, text, group, action="store_true")


def _needed(name: str, text: str, kind: Callable[[str], Any] = str, **options: Any) -> Argument:
    return _argument(name, text, type=kind, required=True, **options)


def _first_nights(first: str, nights: int) -> tuple[Argument, ...]:
    return (
        _argument(
            "--from", f"first business date ({first})", dest="first", type=day, default=first
        ),
        _argument("--nights", f"how many ({nights})", type=count, default=nights),
    )


DATE = _needed("--date", "business date, YYYY-MM-DD", day)
REPLACE = _flag("--replace", "redo the latest published night")
JSON = _flag("--json", "for programs")
JOBS = _argument("--jobs", "steps at once at most (2)", type=count, default=2)
BY, WHY = _needed("--by", "who decides"), _needed("--why", "why")
FIRST = _needed("--from", "first business date, YYYY-MM-DD", day, dest="first")
LAST = _needed("--to", "last business date, YYYY-MM-DD", day, dest="last")
INTO = _needed("--into", "new or empty folder", Path)
REST = {"nargs": argparse.REMAINDER}
ACCOUNTS = tuple(
    _argument(name, text, type=account, metavar="SOURCE:ACCOUNT")
    for name, text in (("one", "an account"), ("other", "another one"))
)
PREVIEW = _flag("--preview", "only show what would change, and write nothing")

ARGUMENTS: dict[str, tuple[Argument, ...]] = {
    "run": (
        DATE,
        _flag("--dry-run", "only show what it would change, and keep nothing", "part"),
        REPLACE,
        _argument("--from-step", "leave out the steps before this one", "part"),
        _flag("--resume", "leave out the steps of the night that are done", "part"),
        _flag("--take-over", "end a run that has the lake, and begin"),
        JOBS,
        JSON,
    ),
    "awaited": (
        DATE,
        _argument("--at", "time of asking, with its zone; default: after every deadline"),
        JSON,
    ),
    "backfill": (FIRST, LAST, JOBS, JSON),
    "part": (
        _argument("name", "of the night", choices=[each[0] for each in PARTS]),
        DATE,
        REPLACE,
    ),
    "step": (_argument("name", "of the step"), _argument("arguments", "its command", **REST)),
    "close": (_needed("--period", "month, YYYY-MM", period), JSON),
    "publish": (BY, WHY, JSON),
    "rollback": (
        _argument("--to", "its business date; default: the one before", type=day),
        BY,
        WHY,
        JSON,
    ),
    "status": (
        _argument("--date", "that should be published", type=day),
        _flag("--alarm", "tell people if it is not (ALARM_URLS_FILE)"),
        JSON,
    ),
    "doctor": (JSON,),
    "backup": (_needed("--to", "folder of backups", Path), JSON),
    "restore": (
        _argument("backup", "folder of one backup", type=Path),
        _argument("--into", "new or empty folder", type=Path),
        _flag("--drill", "restore, run a night, take all away again"),
        JOBS,
        JSON,
    ),
    "rebuild": (INTO, JOBS, JSON),
    "explain": (
        _argument("--date", "show the commands of this night", type=day),
        JSON,
        _argument("arguments", "member, activity, balance, line or statement, and which", **REST),
    ),
    "quarantine": (
        JSON,
        _argument("arguments", "what follows python -m ingest quarantine", **REST),
    ),
    "review": (
        JSON,
        _argument("arguments", "what follows python -m identity_resolution review", **REST),
    ),
    "unmerge": (*ACCOUNTS, BY, WHY, PREVIEW, JSON),
    "merge": (*ACCOUNTS, BY, WHY, PREVIEW, JSON),
    "simulate": (
        _needed("--rules", "folder of other rule books", Path),
        FIRST,
        LAST,
        _argument("--out", "new folder (work/simulations of the lake)", type=Path),
        JSON,
    ),
    "demo": (
        _argument("--people", "population (10000)", type=count, default=10_000),
        *_first_nights("2026-10-29", 5),
        JOBS,
        JSON,
    ),
    "real": (
        _needed("--data", "folder of the data", Path),
        *_first_nights("2026-09-01", 30),
        JOBS,
        JSON,
    ),
    "upgrade-check": (
        _argument("--into", "new or empty folder (target/upgrade, anew)", type=Path),
        _argument("--with", "a version not allowed yet", dest="versions", action="append"),
        _argument("--people", "population (300)", type=count, default=300),
        _argument("--nights", "how many (3)", type=count, default=3),
        JSON,
    ),
    "dbt": (_argument("arguments", "what follows dbt", **REST),),
    "cluster": (
        _argument("--workers", "of one core each (2)", type=count, default=2),
        _argument("--memory", "of each worker (2g)", default="2g"),
        _argument("arguments", "what follows python -m dags", **REST),
    ),
    "beside": (
        _needed("--socket", "where it answers", Path),
        _argument("arguments", "the command", **REST),
    ),
    "airflow": (
        _argument("--port", "of the web page (8080)", type=count, default=8080),
        _argument(
            "--db",
            "Airflow's own tables (sqlite)",
            choices=("sqlite", "postgres"),
            default="sqlite",
        ),
    ),
}

EXAMPLES = {
    "run": ("--date 2026-03-31", "--date 2026-03-31 --dry-run", "--date 2026-03-31 --resume"),
    "awaited": ("--date 2026-03-31 --at 2026-04-01T05:10+08:00",),
    "backfill": ("--from 2026-03-01 --to 2026-03-31",),
    "close": ("--period 2026-03",),
    "publish": ('--by LiMei --why "the prices were right"',),
    "rollback": (
        '--by LiMei --why "prices of the mall are wrong"',
        '--to 2026-03-29 --by LiMei --why "till 7"',
    ),
    "status": ("", "--date 2026-03-31 --alarm", "--json"),
    "doctor": ("", "--json"),
    "backup": ("--to /backups",),
    "restore": (
        "/backups/onemember-2026-03-31-0123456789ab --into lake-restored",
        "/backups/onemember-2026-03-31-0123456789ab --drill",
    ),
    "rebuild": ("--into lake-again",),
    "explain": ("--date 2026-03-31", "member pos:M0000123", "balance M1 --on 2026-03-31"),
    "quarantine": ("ls", "--help"),
    "review": ("--help",),
    "unmerge": ('pos:M0000123 hotel:G1 --by LiMei --why "two sisters" --preview',),
    "merge": ('pos:M0000123 hotel:G1 --by LiMei --why "same passport"',),
    "simulate": ("--rules DIR --from 2026-01-01 --to 2026-03-31",),
    "demo": ("--people 1000 --nights 2",),
    "real": ("--data DIR",),
    "upgrade-check": ("", "--with duckdb==1.6.0"),
    "dbt": ("test --select test_type:unit",),
    "cluster": ("run --date 2026-03-31",),
    "airflow": ("", "--db postgres"),
}


def add_arguments(name: str, command: argparse.ArgumentParser) -> None:
    """Give a command its arguments."""
    groups: dict[str, argparse._MutuallyExclusiveGroup] = {}
    for each in ARGUMENTS[name]:
        place: argparse._ActionsContainer = command
        if each.group:
            if each.group not in groups:
                groups[each.group] = command.add_mutually_exclusive_group()
            place = groups[each.group]
        place.add_argument(each.name, **each.options)


def epilog(name: str) -> str:
    """What the help of a command ends with: examples, and what its exit status means."""
    lines = [f"  python -m dags {name} {example}".rstrip() for example in EXAMPLES.get(name, ())]
    return "\n".join([*(["examples:", *lines, ""] if lines else []), EXIT_STATUS])
