"""Any table of records resolved, beside plain Splink and identifying keys alone.

    python -m benchmarks records [--data FOLDER] [--sets NAME …] [--show]

Every set that is present goes through the same method in one run; nothing is said of it but the
kinds of its columns. Plain Splink gets the same cleaned columns, with its ready-made comparisons,
at .95 and at the threshold that the truth says is its best. `--show` prints and writes nothing.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.record_sets import SETS
from dags.pipeline import PROJECT
from identity_resolution.evaluate import Evaluation
from identity_resolution.records.matching import match_records
from identity_resolution.records.report import compared, judge

RESULTS = Path(__file__).with_name("records.md")
DATA = Path(os.environ.get("MEMBER_DATA") or PROJECT.parent / "shared" / "data") / "er"


def main(argv: Sequence[str]) -> int:
    """Measure and write the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks records", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args(argv)
    lines = [line for name in options.sets for line in measured_set(name, options.data)]
    text = page(lines)
    if not options.show:
        RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


def measured_set(name: str, folder: Path) -> list[str]:
    """Lines of the table for one set; none where it is absent."""
    if not SETS[name].is_present(folder):
        return []
    records = SETS[name].records(folder)
    started = time.monotonic()
    matching = match_records(records)
    seconds = time.monotonic() - started
    evaluations = {
        f"this, cut at {matching.cut.threshold:.2f} bits": judge(records, matching.cluster),
        **compared(records, "duckdb"),
    }
    lines = [
        line(name, len(records), method, one, seconds if number == 0 else None)
        for number, (method, one) in enumerate(evaluations.items())
    ]
    print("\n".join(lines), file=sys.stderr, flush=True)
    return lines


def line(name: str, count: int, method: str, one: Evaluation, seconds: float | None) -> str:
    """One line of the table."""
    shares = (one.precision, one.recall, one.f1, one.b3_precision, one.b3_recall, one.b3_f1)
    figures = " | ".join(f"{share:.4f}" for share in shares)
    merged = f"{one.over_merged_count:,} | {one.under_merged_count:,}"
    took = "" if seconds is None else f"{seconds:.0f}"
    return f"| {name} | {count:,} | {method} | {figures} | {merged} | {took} |"


def page(lines: list[str]) -> str:
    """The whole result page."""
    head = "| set | records | method | P | R | F1 | B³ P | B³ R | B³ F1 | over | under | s |"
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return "\n".join(
        [
            "# Any table of records\n",
            f"`python -m benchmarks records`, one run: {machine}. The machine is shared.",
            "Pairs, then B³. Over: clusters of several persons; under: torn persons.",
            "The truth chooses plain Splink's best threshold; the data alone chooses ours.\n",
            head,
            "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
            *lines,
            "",
        ]
    )
