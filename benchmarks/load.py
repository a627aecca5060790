"""Loading one large file beside what DuckDB needs to read it as text and write it.

    python -m benchmarks load --rows 1000000 3000000

The file is the till's sale lines, as UTF-8, so that both can read it, and as GB18030, as the till
writes it. The floor is DuckDB's `read_csv(all_varchar)` of the UTF-8 file into Parquet. "read" does
the same by our reader: strict, every row numbered, written as text. "load" is the whole: types,
rules, hashes, tokens, the ledger of deliveries. Each is a process of its own, taken in turns; the
table holds medians. Compare by ratio.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.measure import Measured, measured
from dags.pipeline import PROJECT
from ingest.core.contract import Source, load_source
from ingest.core.lake import Lake
from ingest.core.privacy import create_demo_keys
from ingest.landing import control_bytes

RESULTS = Path(__file__).with_name("load.md")
CONTRACT = Path("models/staging/pos/_pos__sources.yml")
DAY = date(2026, 10, 29)
TURNS = 3
FLOOR = """
import sys, duckdb
source = f"read_csv('{sys.argv[1]}', all_varchar = true)"
duckdb.sql(f"copy (select * from {source}) to '{sys.argv[2]}' (format parquet, compression zstd)")
"""
READ = """
import sys
from functools import partial
from pathlib import Path
from ingest.ahead import Behind, ahead
from ingest.core.contract import load_source
from ingest.readers import read_rows
from ingest.staged import StagedFile
root, file, folder = map(Path, sys.argv[1:])
staged = StagedFile(folder, "text")
with Behind() as writing:
    for rows in ahead(read_rows(load_source(root / "dbt_project", "pos").table("sales"), file)):
        writing.do(partial(staged.add, "raw", rows.frame.to_arrow()))
staged.close()
"""
LOAD = """
import sys
from datetime import date
from pathlib import Path
from ingest.core.settings import Settings
from ingest.load import load
root, keys = Path(sys.argv[1]), Path(sys.argv[2])
settings = Settings(root / "lake", keys, root, root / "dbt_project", "1GB")
assert load(settings, "pos", date(2026, 10, 29))[-2]["status"] == "accepted"
"""


def main(argv: Sequence[str]) -> int:
    """Measure and write the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks load", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 3_000_000])
    options = parser.parse_args(argv)
    lines = []
    for rows in options.rows:
        with tempfile.TemporaryDirectory(prefix="onemember-load-") as folder:
            lines += measured_rows(Path(folder), rows)
    text = page(lines)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


def measured_rows(folder: Path, rows: int) -> list[str]:
    """Lines of the table for a file of so many rows."""
    keys = folder / "keys.json"
    create_demo_keys(keys)
    houses = {encoding: house(folder, encoding, rows) for encoding in ("utf-8", "gb18030")}
    files = {name: next(root.rglob("销售流水_*.csv")) for name, root in houses.items()}
    file = files["utf-8"]
    commands = {"floor": ["-c", FLOOR, str(file), str(folder / "floor.parquet")]}
    for encoding, root in houses.items():
        text = [str(root), str(files[encoding]), str(folder / "text")]
        commands[f"read, {encoding}"] = ["-c", READ, *text]
        commands[f"load, {encoding}"] = ["-c", LOAD, str(root), str(keys)]
    taken: dict[str, list[Measured]] = {name: [] for name in commands}
    for _ in range(TURNS):
        for name, command in commands.items():
            taken[name].append(measured(name, command))
    floor = statistics.median(one.wall_seconds for one in taken["floor"])
    size = file.stat().st_size / 1e6
    return [line(rows, size, name, turns, floor) for name, turns in taken.items()]


def house(folder: Path, encoding: str, rows: int) -> Path:
    """An installation whose till delivers one large file in an encoding, and empty ones besides."""
    root = folder / encoding
    contract = root / "dbt_project" / CONTRACT
    contract.parent.mkdir(parents=True)
    text = (PROJECT / "dbt_project" / CONTRACT).read_text(encoding="utf-8")
    contract.write_text(text.replace("gb18030", encoding), encoding="utf-8")
    source = load_source(root / "dbt_project", "pos")
    landing = Lake(root / "lake").landing("pos", DAY)
    landing.mkdir(parents=True)
    counts: list[tuple[str, int, int | None]] = []
    for table in source.tables:
        name, total = table.file_name(DAY), None if table.control_total is None else 0
        if table.name == "sales":
            total = write_sales(source, landing / name, rows)
        else:
            (landing / name).write_bytes(b"")
        counts.append((name, rows if table.name == "sales" else 0, total))
    (landing / source.control.file_name(DAY)).write_bytes(control_bytes(source, counts))
    return root


def write_sales(source: Source, path: Path, rows: int) -> int:
    """Write sale lines like the till's; their total in fen."""
    table = source.table("sales")
    total = 0
    with path.open("w", encoding=table.encoding, newline="") as file:
        file.write(",".join(column.header for column in table.columns) + "\r\n")
        for row in range(rows):
            fen = row * 37 % 100_000
            total += fen
            member = f"1000{row % 5_000:04d}" if row % 2 else ""
            amount = f"{fen // 100}.{fen % 100:02d}"
            file.write(
                f"R{row // 2:09d},{row % 2 + 1},{row % 13:02d},T{row % 29},M{row % 97},{member},"
                f"2026-10-{row % 28 + 1:02d} {row % 20 + 4:02d}:{row % 60:02d}:00,"
                f"商品{row % 991},服装,1,{amount},0.00,{amount},\r\n"
            )
    return total


def line(rows: int, size: float, name: str, turns: list[Measured], floor: float) -> str:
    """One line of the table."""
    wall = statistics.median(one.wall_seconds for one in turns)
    cpu = statistics.median(one.cpu_seconds for one in turns)
    peak = max(one.peak_bytes for one in turns) / 1e6
    return (
        f"| {rows:,} | {size:,.0f} | {name} | {wall:.1f} | {cpu:.1f} | {peak:,.0f} "
        f"| {wall / floor:.2f} |"
    )


def page(lines: list[str]) -> str:
    """The whole result page."""
    return "\n".join(
        [
            "# Loading one large file\n",
            (
                f"`python -m benchmarks load`: {platform.platform()}, {os.cpu_count()} cores, "
                f"medians of {TURNS} processes each, their start included."
            ),
            (
                "The floor: DuckDB reads the UTF-8 file as text and writes it as Parquet. "
                "Compare by ratio.\n"
            ),
            "| rows | MB | what | wall s | cpu s | peak MB | against the floor |",
            "|---:|---:|---|---:|---:|---:|---:|",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
