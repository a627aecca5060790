"""The command line of the platform: `python -m dags --help`."""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from dags import doctor, services, warm
from dags.alarms import alarm
from dags.arguments import EXIT_STATUS, OneLine, add_arguments, epilog
from dags.backup import back_up, read_backup, restore
from dags.cluster import cluster
from dags.drill import drill
from dags.dry_run import dry_run
from dags.engine import check_engine, engine
from dags.failures import tell_failure
from dags.pipeline import (
    NOTHING_NEW,
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
from dags.rebuild import rebuild
from dags.rehearsal import Delivered
from dags.runner import (
    RUN,
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
from dags.runs import keep_part, keep_run
from dags.simulate import Simulation, simulate
from dags.status import left_to_export, published, report_status
from dags.upgrade import try_newest
from dags.who_is_who import Decision, keep, preview
from ingest.core.errors import Problem, run_command
from ingest.core.fail_points import STEP
from ingest.core.fence import FENCE

Command = Callable[[argparse.Namespace, Path], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = _parser()
    options, others = parser.parse_known_args(argv)
    passing_on = {beside, dbt, explain, on_cluster, quarantine, review, step}
    if others and options.command not in passing_on:
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
    if options.dry_run:
        if options.take_over:
            raise Trouble("--dry-run ends no other run; leave out --take-over")
        return dry_run(lake, Delivered(options.date, options.replace), options.json)
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
        board = Board(sys.stderr if options.json else sys.stdout)
        runner = Runner(lock, lake / "work" / "logs", {}, board, options.jobs)
        outcome = _night(runner, steps, options.date, options.replace)
        if options.json:
            _print_json([outcome])
        status = _report(outcome)
        if status and lock.done:
            way_on = f"then go on: python -m dags run --date {options.date} --resume"
            print(way_on, file=sys.stderr if options.json else sys.stdout)
        return status


def step(options: argparse.Namespace, lake: Path) -> int:
    """One step, as Airflow starts it: beside the others of its run, and instead of an earlier
    attempt.
    """
    status = warm.ask(["dags", "step", options.name, *options.arguments, *options.others])
    if status is not None:
        return status
    arguments = [*options.arguments, *options.others]
    values = dict(pairwise(arguments))
    label = values.get("--date") or values.get("--period") or ""
    with attempt_lock(lake, options.name) as lock:
        own = {STEP: options.name, FENCE: lock.fence, RUN: label}
        run_module(arguments, {**os.environ, **own})
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
        outcome = _run_steps(runner, steps, values)
        names = [each.name for each in parts()]
        places = {"is_first": options.name == names[0], "is_last": options.name == names[-1]}
        try:
            for line in keep_part(lake, outcome, **places):
                print(line)
        finally:
            _report(outcome)  # last: Airflow tells people the last line
    return {"failed": 1, "nothing new": NOTHING_NEW}.get(outcome.status, 0)


def backfill(options: argparse.Namespace, lake: Path) -> int:
    """The nights of several dates, in order."""
    if options.first > options.last:
        raise Trouble(f"--from {options.first} is after --to {options.last}")
    dates = _dates(options.first, options.last)
    outcomes, status = _nights(lake, dates, options, is_closing=False)
    if options.json:
        _print_json(outcomes)
    return status


def close(options: argparse.Namespace, lake: Path) -> int:
    """The close of one month."""
    with run_lock(lake) as lock:
        board = Board(sys.stderr if options.json else sys.stdout)
        outcome = _close(Runner(lock, lake / "work" / "logs", {}, board), options.period)
    if options.json:
        _print_json([outcome])
    return _report(outcome)


def make_again(options: argparse.Namespace, lake: Path) -> int:
    """The lake made again from what was delivered and decided, in a new folder, and compared."""
    return rebuild(lake, options.into.absolute(), options.jobs, options.json)


def save(options: argparse.Namespace, lake: Path) -> int:
    """A copy of the lake with a hash of every file; without the keys."""
    backup = back_up(lake, options.to.absolute())
    told = {
        "backup": str(backup.folder),
        "version": backup.version,
        "business_date": backup.business_date,
        "file_count": len(backup.files),
        "total_bytes": backup.total_bytes,
    }
    text = "{backup}: {file_count} files, {total_bytes} bytes, up to {business_date}"
    _tell(told, text, options.json)
    return 0


def bring_back(options: argparse.Namespace, lake: Path) -> int:
    """A backup made a lake again, every hash compared; with --drill only to see whether it could
    be.
    """
    backup = read_backup(options.backup.absolute())
    into = options.into.absolute() if options.into else None
    if options.drill:
        beside = backup.folder.with_name(f"{backup.folder.name}.drill")
        text = (
            "{backup} could take over: {file_count} files are whole, the night {night} runs on it"
        )
        _tell(asdict(drill(backup, into or beside, options.jobs)), text, options.json)
        return 0
    if into is None:
        raise Trouble("into which folder? add --into DIR, or --drill to only try")
    restore(backup, into)
    told = {"lake": str(into), "version": backup.version, "file_count": len(backup.files)}
    _tell(told, "{lake}: {file_count} files of {version}, every hash as it was", options.json)
    return 0


def show_last(options: argparse.Namespace, lake: Path) -> int:
    """Readers see the last version again, after a rollback."""
    return _point(["last"], options, lake)


def show_earlier(options: argparse.Namespace, lake: Path) -> int:
    """Readers see an earlier version until the next night is published; nothing posted changes."""
    to = ["--to", options.to.isoformat()] if options.to else []
    return _point(["back", *to], options, lake)


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
    asked = Simulation(rules, options.first, options.last, out, options.json)
    return simulate(asked, lake)


def explain(options: argparse.Namespace, lake: Path) -> int:
    """What a night and a close consist of; or where points, tiers and money come from."""
    if options.arguments:
        return _module(["exports", "explain", *_passed_on(options)])
    day = options.date.isoformat() if options.date else "DATE"
    values = {"date": day, "replace": "", "period": day[:7] if options.date else "YYYY-MM"}
    values["by"] = "WHO"
    lists = (
        ("nightly", nightly()),
        ("close", monthly()),
        ("monthly_close, in Airflow", attended()),
    )
    if options.json:
        told = {
            title.partition(",")[0]: [_step_as_json(step, values) for step in steps]
            for title, steps in lists
        }
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return 0
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


def awaited(options: argparse.Namespace, lake: Path) -> int:
    """Which deliveries a night waits for; status 75 while there are any."""
    asked = ["--date", options.date.isoformat(), *(["--at", options.at] if options.at else [])]
    command = ["ingest", "awaited", *asked, *(["--json"] * options.json)]
    status = warm.ask(command)  # Airflow asks every minute
    return _module(command) if status is None else status


def quarantine(options: argparse.Namespace, lake: Path) -> int:
    """The rows that were refused: looked at, released, corrected or left."""
    return _module(["ingest", "quarantine", *_passed_on(options)])


def review(options: argparse.Namespace, lake: Path) -> int:
    """The links between accounts that wait for a person, with both sides."""
    return _module(["identity_resolution", "review", *_passed_on(options)])


def demo(options: argparse.Namespace, lake: Path) -> int:
    """The demo group: made, run for some nights, closed, summed up."""
    return _show(options, lake, ["ingest", "demo", "--people", str(options.people)])


def real(options: argparse.Namespace, lake: Path) -> int:
    """Third-party data put into the landing zone, and the nights run on it by its contracts."""
    delivering = ["ingest", "connect", "--data", str(options.data.absolute())]
    return _show(options, lake, delivering, rules=lake / "connect" / "rules")


def stand(options: argparse.Namespace, lake: Path) -> int:
    """Where the lake stands; with a date, status 1 unless that business date is published."""
    try:
        return report_status(lake, options.date, options.json)
    except (Trouble, Problem) as trouble:
        if options.alarm:
            alarm("late", str(options.date or lake), str(trouble))
        raise


def check(options: argparse.Namespace, lake: Path) -> int:
    """Whether this machine can run the night, and how to mend what is wrong."""
    return doctor.report(lake, options.json)


def try_versions(options: argparse.Namespace, lake: Path) -> int:
    """What the newest versions of our dependencies would change: a small group run with both."""
    others = options.versions or []
    return try_newest(options.into, others, options.people, options.nights, options.json)


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


def _passed_on(options: argparse.Namespace) -> list[str]:
    """The arguments of a command that another one answers."""
    return [*options.arguments, *options.others, *(["--json"] * options.json)]


def _decide(kind: str, options: argparse.Namespace, lake: Path) -> int:
    """Keep a decision, or show what it would change."""
    accounts = (options.one, options.other)
    decision = Decision(kind, accounts, options.by, options.why)
    return (preview if options.preview else keep)(decision, lake, options.json)


def _point(where: list[str], options: argparse.Namespace, lake: Path) -> int:
    """Move the pointer while nobody else works on the lake."""
    if published(lake) is None:
        raise Trouble(f"nothing was published in {lake} yet; run a night first")
    with run_lock(lake) as lock:
        os.environ[FENCE] = lock.fence
        who = ["--by", options.by, "--why", options.why, *(["--json"] * options.json)]
        return _module(["exports", "point", *where, *who])


def _step_as_json(step: Step, values: dict[str, str]) -> dict[str, Any]:
    command = "" if step.question else f"python -m {step.line(values)}".rstrip()
    asks = step.question.format(**values)
    told = {"name": step.name, "doc": step.doc, "after": [*step.after]}
    return told | ({"asks": asks} if step.question else {"command": command})


def _tell(told: dict[str, Any], text: str, is_json: bool) -> None:
    """Print what was done, for a person or a program."""
    print(json.dumps(told, ensure_ascii=False, indent=2) if is_json else text.format(**told))


def _show(
    options: argparse.Namespace, lake: Path, delivering: list[str], rules: Path | None = None
) -> int:
    """Keys, deliveries for some nights in a row, the nights, the months that end, the summary;
    `rules` are the books that come with the deliveries.
    """
    nights = ["--from", options.first.isoformat(), "--nights", str(options.nights)]
    for arguments in (["ingest", "keys"], [*delivering, *nights]):
        if _module(arguments, is_aside=options.json):
            return 1
    if rules:
        os.environ["RULES_DIR"] = str(rules)
    last = options.first + timedelta(days=options.nights - 1)
    _, status = _nights(lake, _dates(options.first, last), options, is_closing=True)
    return status or _module(["exports", "summary", *["--json"] * options.json])


def _nights(
    lake: Path, dates: Sequence[date], options: argparse.Namespace, is_closing: bool
) -> tuple[list[Outcome], int]:
    """Nights in order, until one fails, and the exit status; with `is_closing`, a month closes
    after its last night.
    """
    outcomes: list[Outcome] = []
    with engine(), run_lock(lake) as lock:
        board = Board(sys.stderr if options.json else sys.stdout, is_brief=True)
        runner = Runner(lock, lake / "work" / "logs", {}, board, options.jobs)
        steps, status = nightly(), 0
        for day in dates:
            outcomes.append(_night(runner, steps, day, is_replacing=False))
            status = _report(outcomes[-1])
            if not status and is_closing and (day + timedelta(days=1)).month != day.month:
                status = _report(_close(runner, f"{day:%Y-%m}"))
            if status:
                break
    return outcomes, status


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
    values = {"date": day.isoformat(), "replace": "--replace" * is_replacing}
    return _kept(runner, _run_steps(runner, steps, values))


def _run_steps(runner: Runner, steps: Sequence[Step], values: dict[str, str]) -> Outcome:
    """Run steps of a night. A night begins by handing out what the one before left behind, if that
    was killed between; a later night goes on without.
    """
    left = left_to_export(runner.logs.parents[1])
    if left and steps[0].name == "open":
        earlier = runner.run(left, from_step(nightly(), "export"), {**values, "date": left})
        if earlier.status == "failed" and left == values["date"]:
            return earlier
        tell_failure(earlier)
        _report(earlier)
    return runner.run(values["date"], steps, values)


def _close(runner: Runner, period: str) -> Outcome:
    return _kept(runner, runner.run(f"close-{period}", monthly(), {"period": period}))


def _kept(runner: Runner, outcome: Outcome) -> Outcome:
    """The outcome of a run, written down, and told to people if it failed."""
    tell_failure(outcome)  # first: a full disk may be why the run cannot be kept
    for line in keep_run(runner.logs.parents[1], outcome):
        print(line, file=runner.board.stream)
    return outcome


def _report(outcome: Outcome) -> int:
    """Say what went wrong, if anything did; the exit status."""
    for step in outcome.steps:
        if step.status == "failed":
            print("\n".join(what_went_wrong(step.log)), file=sys.stderr)
    return 1 if outcome.status == "failed" else 0


def _print_json(outcomes: Sequence[Outcome]) -> None:
    """Print how runs ended, with what a failed step said."""
    told = [asdict(outcome) for outcome in outcomes]
    for run_of in told:
        for step in run_of["steps"]:
            step["errors"] = what_went_wrong(step["log"]) if step["status"] == "failed" else []
    print(json.dumps(told, ensure_ascii=False, indent=2, default=str))


def _module(arguments: list[str], is_aside: bool = False) -> int:
    """Run `python -m …` from the project folder, on this screen; its exit status. What it prints
    goes to standard error if it `is_aside`.
    """
    command = [sys.executable, "-W", "ignore:::runpy", "-m", *arguments]
    stream = sys.stderr if is_aside else None
    return subprocess.run(command, cwd=PROJECT, stdout=stream, check=False).returncode


def _dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=days) for days in range((last - first).days + 1)]


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


COMMANDS: dict[str, Command] = {
    "run": run,
    "awaited": awaited,
    "backfill": backfill,
    "part": part,
    "step": step,
    "close": close,
    "publish": show_last,
    "rollback": show_earlier,
    "status": stand,
    "doctor": check,
    "backup": save,
    "restore": bring_back,
    "rebuild": make_again,
    "explain": explain,
    "quarantine": quarantine,
    "review": review,
    "unmerge": unmerge,
    "merge": merge,
    "simulate": what_if,
    "demo": demo,
    "real": real,
    "upgrade-check": try_versions,
    "dbt": dbt,
    "cluster": on_cluster,
    "beside": beside,
    "airflow": airflow,
}


def _parser() -> argparse.ArgumentParser:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = OneLine(
        prog="python -m dags",
        description="Runs the nights of the group, and looks after its lake.",
        epilog=f"python -m dags COMMAND --help shows examples of each.\n\n{EXIT_STATUS}",
        formatter_class=as_written,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, function in COMMANDS.items():
        text = " ".join((function.__doc__ or "").split())
        command = commands.add_parser(
            name, help=text, description=text, epilog=epilog(name), formatter_class=as_written
        )
        command.set_defaults(command=function)
        add_arguments(name, command)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
