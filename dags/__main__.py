"""The command line of the platform: `python -m dags --help`."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from types import FrameType

from dags import doctor, services, warm
from dags.cluster import cluster
from dags.engine import check_engine, engine
from dags.pipeline import (
    NOTHING_NEW,
    PARTS,
    PROJECT,
    Step,
    attended,
    dbt_module,
    from_step,
    in_order,
    lake_root,
    monthly,
    nightly,
    parts,
    step_environment,
    without,
)
from dags.runner import (
    Board,
    Outcome,
    RunLock,
    Runner,
    TaskBoard,
    Trouble,
    attempt_lock,
    run_lock,
    run_module,
    what_went_wrong,
)
from dags.simulate import Simulation, simulate
from dags.status import report_status
from dags.who_is_who import Decision, keep, preview
from ingest.core.errors import run_command
from ingest.core.fail_points import STEP
from ingest.core.fence import FENCE

EXAMPLES = """examples:
  python -m dags run --date 2026-03-31                    one night
  python -m dags run --date 2026-03-31 --resume           go on after a failure
  python -m dags backfill --from 2026-03-01 --to 2026-03-31
  python -m dags close --period 2026-03
  python -m dags unmerge pos:M0000123 hotel:G1 --by LiMei --why "two sisters" --preview
  python -m dags simulate --rules DIR --from 2026-01-01 --to 2026-03-31
  python -m dags status --date 2026-03-31                 whether it is published

exit status: 0 done or nothing new, 1 failed, 2 wrong arguments, 130 stopped
"""


Command = Callable[[argparse.Namespace, Path], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = _parser()
    options, others = parser.parse_known_args(argv)
    if others and options.command not in {beside, dbt, on_cluster, step}:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    options.others = others
    lake = lake_root()
    os.environ.update(step_environment(lake))
    signal.signal(signal.SIGTERM, _stop)
    command: Command = options.command
    try:
        if command is not check:
            check_engine()
        return command(options, lake)
    except Trouble as trouble:
        print(f"error: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing of an unfinished night is published", file=sys.stderr)
        return 130


def run(options: argparse.Namespace, lake: Path) -> int:
    """One night."""
    with engine(), run_lock(lake, options.take_over) as lock:
        is_begun = lock.night == options.date.isoformat()
        steps = _steps_of(options, lock.done if is_begun else ())
        if options.from_step and not is_begun:
            raise Trouble(
                f"{lake}/work holds the night {lock.night or '?'}, not {options.date}; "
                "run the whole night, without --from-step"
            )
        if not steps:
            print(f"all steps of the night {options.date} are done")
            return 0
        runner = Runner(lock, lake / "work" / "logs", {}, Board(sys.stdout), options.jobs)
        status = _report(_night(runner, steps, options.date, options.replace))
        if status and lock.done:
            print(f"then go on: python -m dags run --date {options.date} --resume")
        return status


def step(options: argparse.Namespace, lake: Path) -> int:
    """One step, as Airflow starts it: beside the others of its run, and instead of an earlier
    attempt.
    """
    status = warm.ask(["dags", "step", options.name, *options.arguments, *options.others])
    if status is not None:
        return status
    with attempt_lock(lake, options.name) as lock:
        own = {STEP: options.name, FENCE: lock.fence}
        run_module([*options.arguments, *options.others], {**os.environ, **own})
    return 0


def part(options: argparse.Namespace, lake: Path) -> int:
    """Some steps of a night, as a task of Airflow runs them: behind those that are done, or all of
    them again if all are.
    """
    asked = ["--date", str(options.date), *(["--replace"] if options.replace else [])]
    status = warm.ask(["dags", "part", options.name, *asked])
    if status is not None:
        return status
    with engine(), attempt_lock(lake, "night") as lock:
        steps = left_of_part(options.name, options.date.isoformat(), lock)
        runner = Runner(lock, lake / "work" / "logs", {}, TaskBoard(sys.stdout))
        values = {"date": options.date.isoformat(), "replace": "--replace" * options.replace}
        outcome = runner.run(options.date.isoformat(), steps, values)
    _report(outcome)
    return {"failed": 1, "nothing new": NOTHING_NEW}.get(outcome.status, 0)


def backfill(options: argparse.Namespace, lake: Path) -> int:
    """The nights of several dates, in order."""
    if options.first > options.last:
        raise Trouble(f"--from {options.first} is after --to {options.last}")
    return _nights(lake, _dates(options.first, options.last), options.jobs, is_closing=False)


def close(options: argparse.Namespace, lake: Path) -> int:
    """The close of one month."""
    with run_lock(lake) as lock:
        runner = Runner(lock, lake / "work" / "logs", {}, Board(sys.stdout))
        return _report(_close(runner, options.period))


def unmerge(options: argparse.Namespace, lake: Path) -> int:
    """Two accounts are not one person, whatever else says so; from the next night on."""
    return _decide("cannot-link", options, lake)


def merge(options: argparse.Namespace, lake: Path) -> int:
    """Two accounts are one person, whatever else says so; from the next night on."""
    return _decide("must-link", options, lake)


def what_if(options: argparse.Namespace, lake: Path) -> int:
    """What other rule books would have made of a window of history; the lake keeps nothing."""
    out = options.out.absolute() if options.out else None
    rules = options.rules.absolute()
    return simulate(Simulation(rules, options.first, options.last, out), lake)


def explain(options: argparse.Namespace, lake: Path) -> int:
    """What a night and a close consist of; runs nothing."""
    day = options.date.isoformat() if options.date else "DATE"
    values = {"date": day, "replace": "", "period": day[:7] if options.date else "YYYY-MM"}
    values["by"] = "WHO"
    lists = (
        ("nightly", nightly()),
        ("close", monthly()),
        ("monthly_close, in Airflow", attended()),
    )
    for title, steps in lists:
        print(f"{title} (in {PROJECT}, LAKE_ROOT={lake})")
        for step in in_order(steps):
            print(f"\n  {step.name}: {step.doc}")
            print(f"    after    {', '.join(step.after) or '-'}")
            if step.question:
                print(f"    asks     {step.question.format(**values)}")
            else:
                print(f"    command  python -m {' '.join(step.arguments(values))}")
        print()
    return 0


def demo(options: argparse.Namespace, lake: Path) -> int:
    """The demo group: made, run for some nights, closed, summed up."""
    return _show(options, lake, ["ingest", "demo", "--people", str(options.people)])


def real(options: argparse.Namespace, lake: Path) -> int:
    """Third-party data put into the landing zone, and the nights run on it by its contracts."""
    delivering = ["ingest", "connect", "--data", str(options.data.absolute())]
    return _show(options, lake, delivering, rules=lake / "connect" / "rules")


def stand(options: argparse.Namespace, lake: Path) -> int:
    """Where the lake stands; with a date, status 1 unless that business date is published."""
    return report_status(lake, options.date, options.json)


def check(options: argparse.Namespace, lake: Path) -> int:
    """Whether this machine can run the night, and how to mend what is wrong."""
    return doctor.report(lake)


def dbt(options: argparse.Namespace, lake: Path) -> int:
    """Dbt on this lake, for people: python -m dags dbt test --select test_type:unit."""
    (lake / "work").mkdir(parents=True, exist_ok=True)
    return _module([*dbt_module().split(), *options.others, *options.arguments])


def on_cluster(options: argparse.Namespace, lake: Path) -> int:
    """Another command on a Spark cluster of this machine: python -m dags cluster run --date D."""
    os.environ["ENGINE"] = "spark"
    os.environ.update(step_environment(lake))
    check_engine()
    with cluster(options.workers, options.memory) as workers:
        print(f"cluster: workers {', '.join(str(worker.pid) for worker in workers)}", flush=True)
        return main([*options.arguments, *options.others])


def airflow(options: argparse.Namespace, lake: Path) -> int:
    """Airflow's services on this machine, until Ctrl-C."""
    home = Path(os.environ.get("AIRFLOW_HOME") or PROJECT / ".airflow").absolute()
    return services.serve(home, options.port, options.db == "postgres")


def beside(options: argparse.Namespace, lake: Path) -> int:
    """Another command, such as Airflow's scheduler, with a warm process beside it for its steps."""
    return warm.run_beside([*options.arguments, *options.others], options.socket.absolute())


def _decide(kind: str, options: argparse.Namespace, lake: Path) -> int:
    """Keep a decision, or show what it would change."""
    accounts = (options.one, options.other)
    decision = Decision(kind, accounts, options.by, options.why)
    return (preview if options.preview else keep)(decision, lake)


def _show(
    options: argparse.Namespace, lake: Path, delivering: list[str], rules: Path | None = None
) -> int:
    """Keys, deliveries for some nights in a row, the nights, the months that end, the summary;
    `rules` are the books that come with the deliveries.
    """
    nights = ["--from", options.first.isoformat(), "--nights", str(options.nights)]
    for arguments in (["ingest", "keys"], [*delivering, *nights]):
        if _module(arguments):
            return 1
    if rules:
        os.environ["RULES_DIR"] = str(rules)
    last = options.first + timedelta(days=options.nights - 1)
    status = _nights(lake, _dates(options.first, last), options.jobs, is_closing=True)
    return status or _module(["exports", "summary"])


def _nights(lake: Path, dates: Sequence[date], jobs: int, is_closing: bool) -> int:
    """Nights in order, until one fails; with `is_closing`, a month closes after its last night."""
    with engine(), run_lock(lake) as lock:
        runner = Runner(lock, lake / "work" / "logs", {}, Board(sys.stdout, is_brief=True), jobs)
        steps = nightly()
        for day in dates:
            status = _report(_night(runner, steps, day, is_replacing=False))
            if not status and is_closing and (day + timedelta(days=1)).month != day.month:
                status = _report(_close(runner, f"{day:%Y-%m}"))
            if status:
                return status
    return 0


def _steps_of(options: argparse.Namespace, done: Sequence[str]) -> list[Step]:
    """The steps of a night that a person asks for."""
    try:
        steps = from_step(nightly(), options.from_step) if options.from_step else nightly()
    except ValueError as error:
        raise Trouble(str(error)) from error
    return without(steps, done) if options.resume else steps


def left_of_part(name: str, night: str, lock: RunLock) -> list[Step]:
    """The steps of a part that are left to do, and in the lock what counts as done from now on;
    Trouble if the working folder holds another night.
    """
    before: list[str] = []
    for each in parts():
        if each.name == name:
            break
        before += [step.name for step in each.steps]
    names = {step.name for step in each.steps}
    if before and lock.night != night:
        raise Trouble(f"the lake holds the night {lock.night or '?'}, not {night}; begin with open")
    done = names.intersection(lock.done)
    kept = [] if done == names else sorted(done)
    lock.remember(night, [*before, *kept])
    return without(list(each.steps), [*before, *kept])


def _night(runner: Runner, steps: Sequence[Step], day: date, is_replacing: bool) -> Outcome:
    """Run steps of a night; those that are left out count as done."""
    left_out = {step.name for step in nightly()} - {step.name for step in steps}
    runner.lock.remember(day.isoformat(), sorted(left_out))
    return runner.run(
        day.isoformat(), steps, {"date": day.isoformat(), "replace": "--replace" * is_replacing}
    )


def _close(runner: Runner, period: str) -> Outcome:
    return runner.run(f"close-{period}", monthly(), {"period": period})


def _report(outcome: Outcome) -> int:
    """Say what went wrong, if anything did; the exit status."""
    for step in outcome.steps:
        if step.status == "failed":
            print("\n".join(what_went_wrong(step.log)), file=sys.stderr)
    return 1 if outcome.status == "failed" else 0


def _module(arguments: list[str]) -> int:
    """Run `python -m …` from the project folder, on this screen; its exit status."""
    return subprocess.run(
        [sys.executable, "-W", "ignore:::runpy", "-m", *arguments], cwd=PROJECT, check=False
    ).returncode


def _dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=days) for days in range((last - first).days + 1)]


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
        if day.isoformat() == text:  # 20260331 is a date too, but not how folders write it
            return day
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text} is no date; write it as 2026-03-31")


def _period(text: str) -> str:
    try:
        return f"{date.fromisoformat(text + '-01'):%Y-%m}"
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no month; write it as 2026-03") from error


def _account(text: str) -> str:
    source, separator, account_id = text.partition(":")
    if source and separator and account_id:
        return text
    raise argparse.ArgumentTypeError(f"{text} is no account; write it as SOURCE:ACCOUNT")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of 1 or more")
    return int(text)


class _OneLine(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        print(f"error: {message} ({self.prog} --help shows how)", file=sys.stderr)
        sys.exit(2)


def _add_how_to_run(night: argparse.ArgumentParser) -> None:
    night.add_argument("--date", type=_date, required=True, help="business date, YYYY-MM-DD")
    night.add_argument("--replace", action="store_true", help="redo the latest published night")
    part = night.add_mutually_exclusive_group()
    part.add_argument("--from-step", help="leave out the steps before this one")
    part.add_argument(
        "--resume", action="store_true", help="leave out the steps of the night that are done"
    )
    night.add_argument(
        "--take-over", action="store_true", help="end a run that has the lake, and begin"
    )


def _add_machine(add: Callable[[Command, str], argparse.ArgumentParser]) -> None:
    """Commands about this machine and its lake."""
    add(check, "doctor")
    asked = add(stand, "status")
    asked.add_argument("--date", type=_date, help="the business date that should be published")
    asked.add_argument("--json", action="store_true", help="for programs")
    add(dbt, "dbt").add_argument("arguments", nargs=argparse.REMAINDER, help="what follows dbt")
    spark = add(on_cluster, "cluster")
    spark.add_argument("--workers", type=_count, default=2, help="of one core each (2)")
    spark.add_argument("--memory", default="2g", help="of each worker (2g)")
    spark.add_argument("arguments", nargs=argparse.REMAINDER, help="what follows python -m dags")
    beside_it = add(beside, "beside")
    beside_it.add_argument("--socket", type=Path, required=True, help="where it answers")
    beside_it.add_argument("arguments", nargs=argparse.REMAINDER, help="the command")
    served = add(airflow, "airflow")
    served.add_argument("--port", type=_count, default=8080, help="of the web page (8080)")
    served.add_argument(
        "--db",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="Airflow's own tables (sqlite)",
    )


def _parser() -> argparse.ArgumentParser:
    parser = _OneLine(
        prog="python -m dags",
        description="Runs the nights of the group.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(function: Command, name: str) -> argparse.ArgumentParser:
        text = (function.__doc__ or "").strip()
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=function)
        return command

    def jobs(command: argparse.ArgumentParser) -> None:
        command.add_argument("--jobs", type=_count, default=2, help="steps at once at most (2)")

    night = add(run, "run")
    _add_how_to_run(night)
    jobs(night)
    several = add(part, "part")
    several.add_argument("name", choices=[each[0] for each in PARTS], help="of the night")
    several.add_argument("--date", type=_date, required=True, help="business date, YYYY-MM-DD")
    several.add_argument("--replace", action="store_true", help="redo the latest published night")
    one = add(step, "step")
    one.add_argument("name", help="of the step")
    one.add_argument("arguments", nargs=argparse.REMAINDER, help="its command")
    nights = add(backfill, "backfill")
    jobs(nights)
    add(close, "close").add_argument("--period", type=_period, required=True, help="month, YYYY-MM")
    for who in (add(unmerge, "unmerge"), add(merge, "merge")):
        who.add_argument("one", type=_account, metavar="SOURCE:ACCOUNT", help="an account")
        who.add_argument("other", type=_account, metavar="SOURCE:ACCOUNT", help="another one")
        who.add_argument("--by", required=True, help="who decides")
        who.add_argument("--why", required=True, help="why")
        who.add_argument(
            "--preview", action="store_true", help="only show what would change, and write nothing"
        )
    window = add(what_if, "simulate")
    window.add_argument("--rules", type=Path, required=True, help="folder of other rule books")
    for dates in (nights, window):
        dates.add_argument(
            "--from", dest="first", type=_date, required=True, help="first business date"
        )
        dates.add_argument(
            "--to", dest="last", type=_date, required=True, help="last business date"
        )
    window.add_argument("--out", type=Path, help="new folder (work/simulations of the lake)")
    add(explain, "explain").add_argument(
        "--date", type=_date, help="show the commands of this night"
    )
    group = add(demo, "demo")
    group.add_argument("--people", type=_count, default=10_000, help="population (10000)")
    third_party = add(real, "real")
    third_party.add_argument("--data", type=Path, required=True, help="folder of the data")
    for command, first, count in ((group, "2026-10-29", 5), (third_party, "2026-09-01", 30)):
        command.add_argument("--from", dest="first", type=_date, default=first, help=f"({first})")
        command.add_argument("--nights", type=_count, default=count, help=f"how many ({count})")
        jobs(command)
    _add_machine(add)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
