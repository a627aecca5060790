"""A lake of a few files for rehearsals: its last night is 30 March, one of the 31st crashed."""

import json
from dataclasses import asdict
from pathlib import Path

from ingest.core.pointer import ROLLBACK, Move

FILES = {
    "decisions/identity/one.json": "kept",
    "posted/points_entries/posted_date=2026-03-30/part.parquet": "of the last night",
    "posted/points_entries/posted_date=2026-03-31/part.parquet": "of a night not published",
    "published/v1/manifest.json": json.dumps({"business_date": "2026-03-30"}),
    "raw/hotel/guests/load_date=2026-03-30/part.parquet": "delivered",
    "raw/hotel/guests/load_date=2026-03-31/part.parquet": "of a night not published",
    "raw/hotel/guests/load_date=2026-03-30/.part.parquet.7.tmp": "half a file",
    "landing/hotel/2026-03-30/guests.csv": "as it came",
    "work/run.lock": "7 2026-03-31\n",
}


def small_lake(folder: Path) -> Path:
    """Make the lake in a folder."""
    lake = folder / "lake"
    for name, text in FILES.items():
        (lake / name).parent.mkdir(parents=True, exist_ok=True)
        (lake / name).write_text(text)
    (lake / "published" / "current").symlink_to("v1")
    return lake


def roll_back_small_lake(lake: Path) -> None:
    """Publish the night of the 31st as version 2, and let readers go back to version 1."""
    moves = lake / "decisions" / "publications"
    for folder in (lake / "published" / "v2", moves):
        folder.mkdir()
    (lake / "published" / "v2" / "manifest.json").write_text(
        json.dumps({"business_date": "2026-03-31"})
    )
    move = Move(ROLLBACK, "v2", "v1", "v2", "Li Mei", "prices are wrong", "2026-03-31")
    (moves / "0001.json").write_text(json.dumps(asdict(move)))


def files(folder: Path) -> dict[str, str]:
    """Every file of a folder with its text; what the pointer shows is shown once."""
    found = {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return {name: text for name, text in found.items() if not name.startswith("published/current/")}
