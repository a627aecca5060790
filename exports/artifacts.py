"""What dbt said of a night's build, kept when `work/` goes on: results and lineage, by night.

`metrics/dbt/<business date>/` holds `run_results.json` and `manifest.json`, compressed, of the last
nights: what each model and test took, and what depends on what.
"""

import gzip
from datetime import date
from pathlib import Path

from ingest.core.lake import Lake, remove, write_bytes

NAMES = ("run_results.json", "manifest.json")
KEPT_NIGHTS = 30


def keep_artifacts(lake: Lake, night: date) -> Path:
    """Keep what dbt wrote for the night that is in `work/`, and let the oldest go."""
    folder = lake.root / "metrics" / "dbt"
    for name in NAMES:
        written = lake.work / "dbt" / name
        if written.is_file():
            content = gzip.compress(written.read_bytes(), mtime=0)
            write_bytes(folder / night.isoformat() / f"{name}.gz", content)
    for old in sorted(folder.glob("????-??-??"))[:-KEPT_NIGHTS]:
        remove(old)
    return folder / night.isoformat()
