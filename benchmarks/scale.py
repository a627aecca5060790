"""How a first night grows with its size, on DuckDB and on Spark clusters of this machine.

    python -m benchmarks scale --people 3000 30000 --workers 1 2

Every night measured goes into scale.csv at once, in the place of an earlier one of the same size
and engine, so a long measurement can be made in parts. From it come scale.md (a table) and
docs/scale-out.svg (a chart). Compare by ratio: the seconds are one machine's.
"""

import argparse
import csv
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dags.pipeline import PROJECT

MEASURED = Path(__file__).with_name("scale.csv")
RESULTS = Path(__file__).with_name("scale.md")
CHART = PROJECT / "docs" / "scale-out.svg"
NIGHT = "2026-10-29"
COLUMNS = ("activity_count", "engine", "step", "seconds")
STEP = re.compile(r"^  (\w+) +done +([\d.]+)$", re.MULTILINE)
WIDTH, HEIGHT, MARGIN = 640, 400, 60
COLOURS = ("#1f5fa8", "#c2571a", "#2a8a4a", "#7a4fa3")


@dataclass(frozen=True)
class Point:
    """One night: the engine, its activities, the seconds of each step."""

    engine: str
    activity_count: int
    seconds: dict[str, float]

    @property
    def total(self) -> float:
        """Seconds of all steps after the loads, which are the same on both engines."""
        return sum(value for name, value in self.seconds.items() if not name.startswith("load"))


def main(argv: Sequence[str]) -> int:
    """Measure and write table and chart; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scale", description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[3_000, 30_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args(argv)
    engines = {"DuckDB": ["run"]}
    for count in options.workers:
        name = f"Spark, {count} executor" + "s" * (count > 1)
        engines[name] = ["cluster", "--workers", str(count), "run"]
    for people in options.people:
        with tempfile.TemporaryDirectory(prefix="onemember-scale-") as folder:
            landing = _landing(Path(folder), people)
            for engine, command in engines.items():
                keep(_night(Path(folder), landing, engine, command))
    print(RESULTS.read_text(encoding="utf-8"))
    return 0


def keep(point: Point, measured: Path = MEASURED) -> None:
    """Add a night to those measured before, and draw them all anew."""
    points = {(known.activity_count, known.engine): known for known in read(measured)}
    points[point.activity_count, point.engine] = point
    ordered = [points[key] for key in sorted(points)]
    rows = [
        (each.activity_count, each.engine, step, seconds)
        for each in ordered
        for step, seconds in each.seconds.items()
    ]
    with measured.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    RESULTS.write_text(page(ordered), encoding="utf-8")
    CHART.write_text(chart(ordered), encoding="utf-8")


def read(measured: Path) -> list[Point]:
    """The nights measured so far."""
    points: dict[tuple[int, str], Point] = {}
    if measured.exists():
        with measured.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                key = int(row["activity_count"]), row["engine"]
                points.setdefault(key, Point(key[1], key[0], {})).seconds[row["step"]] = float(
                    row["seconds"]
                )
    return list(points.values())


def _landing(folder: Path, people: int) -> Path:
    lake = folder / "made"
    _run(lake, "ingest", "keys")
    _run(lake, "ingest", "demo", "--people", str(people), "--from", NIGHT, "--nights", "1")
    return lake / "landing"


def _night(folder: Path, landing: Path, engine: str, command: list[str]) -> Point:
    lake = folder / "lake"
    shutil.copytree(landing, lake / "landing")
    said = _run(lake, "dags", *command, "--date", NIGHT)
    with duckdb.connect(lake / "published" / "current" / "marts.duckdb", read_only=True) as marts:
        ((count,),) = marts.execute("select count(*) from fct_activities").fetchall()
    shutil.rmtree(lake)
    return Point(engine, count, {name: float(seconds) for name, seconds in STEP.findall(said)})


def _run(lake: Path, *arguments: str) -> str:
    environment = os.environ | {
        "LAKE_ROOT": str(lake),
        "KEYS_FILE": str(lake.parent / "keys.json"),
    }
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def page(points: Sequence[Point]) -> str:
    """The measurements as Markdown."""
    lines = [
        "# The first night as it grows",
        "",
        f"`python -m benchmarks scale`: {platform.platform()}, {os.cpu_count()} cores.",
        "Seconds of all steps but the loads, which are the same on every engine. Compare by ratio.",
        "",
        "| activities | engine | seconds | against DuckDB | slowest steps |",
        "|---:|---|---:|---:|---|",
    ]
    floor = {point.activity_count: point.total for point in points if point.engine == "DuckDB"}
    for point in points:
        steps = [step for step in point.seconds.items() if not step[0].startswith("load")]
        slowest = sorted(steps, key=lambda step: -step[1])[:3]
        told = ", ".join(f"{name} {seconds:.0f}" for name, seconds in slowest)
        duckdb_seconds = floor.get(point.activity_count)
        ratio = f"{point.total / duckdb_seconds:.1f}" if duckdb_seconds else ""
        figures = f"{point.activity_count:,} | {point.engine} | {point.total:.0f} | {ratio}"
        lines.append(f"| {figures} | {told} |")
    return "\n".join(lines) + "\n"


def chart(points: Sequence[Point]) -> str:
    """The measurements as lines over a logarithmic grid."""
    counts = [point.activity_count for point in points]
    x = _scale(min(counts), max(counts), MARGIN, WIDTH - MARGIN)
    y = _scale(1, max(point.total for point in points), HEIGHT - MARGIN, MARGIN)
    shapes = []
    for number, engine in enumerate(dict.fromkeys(point.engine for point in points)):
        colour = COLOURS[number % len(COLOURS)]
        places = [
            (x(point.activity_count), y(point.total)) for point in points if point.engine == engine
        ]
        line = " ".join(f"{left:.0f},{top:.0f}" for left, top in places)
        shapes.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        shapes += [
            f'<circle cx="{left:.0f}" cy="{top:.0f}" r="4" fill="{colour}"/>'
            for left, top in places
        ]
        top = 20 + 18 * number
        shapes.append(f'<text x="{MARGIN + 10}" y="{top}" fill="{colour}">{engine}</text>')
    for count in sorted(set(counts)):
        shapes.append(_label(x(count), HEIGHT - MARGIN + 20, f"{count:,}", "middle"))
    for seconds in (1, 10, 100, 1_000, 10_000):
        if seconds <= max(point.total for point in points):
            shapes.append(_label(MARGIN - 8, y(seconds) + 4, f"{seconds:,} s", "end"))
            shapes.append(
                f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y(seconds):.0f}"'
                f' y2="{y(seconds):.0f}" stroke="#ddd"/>'
            )
    shapes.append(_label(WIDTH / 2, HEIGHT - 12, "activities in the first night", "middle"))
    body = "\n  ".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' font-family="sans-serif" font-size="13">\n'
        f'  <rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n  {body}\n</svg>\n'
    )


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    span = math.log(high / low) or 1.0
    return lambda value: start + (end - start) * math.log(value / low) / span


def _label(left: float, top: float, text: str, anchor: str) -> str:
    return f'<text x="{left:.0f}" y="{top:.0f}" text-anchor="{anchor}" fill="#444">{text}</text>'
