"""What a night would do, without doing it: what it stands on, what was delivered, which steps."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from dags.pipeline import Step, in_order, sources
from dags.status import status_of


def show_plan(lake: Path, night: date, steps: Sequence[Step]) -> int:
    """Print it; takes no lock and writes nothing. The exit status."""
    status = status_of(lake)
    running = ", ".join(map(str, status.processes))
    print(f"night      {night} in {lake}")
    print(f"follows    {status.latest_version or 'nothing: it would be the first night'}")
    if running:
        print(f"running    process {running}; the night would wait for nobody, and be refused")
    for source in sources():
        print(f"delivered  {source}: {_delivered(lake / 'landing' / source / night.isoformat())}")
    values = {"date": night.isoformat(), "replace": ""}
    for step in in_order(steps):
        print(f"step       {step.name}: python -m {' '.join(step.arguments(values))}")
    print(f"{len(steps)} steps would run; nothing was written")
    return 0


def _delivered(folder: Path) -> str:
    """How many files lie in a landing folder, and how large they are."""
    found = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    if not found:
        return "nothing"
    return f"{len(found)} files, {sum(path.stat().st_size for path in found)} bytes"
