"""Tables of records for tests: made by hand, and the third-party ones where they are."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from benchmarks.record_sets import SETS, RecordSet
from identity_resolution.records.matching import Matching, match_records
from identity_resolution.records.settings import load_record_settings
from identity_resolution.records.table import Records, read_records
from ingest.core.settings import PROJECT

DATA = Path(os.environ.get("MEMBER_DATA") or PROJECT.parent / "shared" / "data") / "er"
GIVEN = "anna boris clara david elena felix grace henry irene jakob karla lukas maria nils olga"
SURNAMES = "abel brandt conrad decker ebert fischer graf hofer ibsen jansen keller lorenz moser"


@dataclass(frozen=True)
class Made:
    """A table that was matched: its records in their order, and what came out."""

    records: Records
    matching: Matching

    def groups(self) -> set[frozenset[str]]:
        """The clusters as sets of record ids."""
        found: dict[int, set[str]] = {}
        for record_id, cluster in zip(
            self.records.ids, self.matching.cluster.tolist(), strict=True
        ):
            found.setdefault(cluster, set()).add(record_id)
        return {frozenset(group) for group in found.values()}


def matched(
    folder: Path, table: pa.Table, columns: dict[str, str], id_column: str | None = None
) -> Made:
    """Write a table and its settings, and match it."""
    path, settings = write(folder, table, columns, id_column)
    records = read_records(path, load_record_settings(settings))
    return Made(records, match_records(records))


def write(
    folder: Path, table: pa.Table, columns: dict[str, str], id_column: str | None = None
) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    path, settings = folder / "people.parquet", folder / "people.yml"
    pq.write_table(table, path)
    document = {"columns": columns} | ({"id": id_column} if id_column else {})
    settings.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path, settings


def third_party(name: str) -> tuple[RecordSet, Records]:
    """A third-party set, cleaned; skips the test where it is absent."""
    record_set = SETS[name]
    if not record_set.is_present(DATA):
        pytest.skip(f"no third-party data in {DATA} (MEMBER_DATA)")
    return record_set, record_set.records(DATA)


def people(count: int, seed: int = 7) -> pa.Table:
    """Different people, none of them twice."""
    draw = np.random.default_rng(seed)
    given, surnames = GIVEN.split(), SURNAMES.split()
    days = draw.choice(25_000, count, replace=False)
    dates = np.datetime64("1940-01-01") + days.astype("timedelta64[D]")
    return pa.table(
        {
            "key": [f"r{number:04d}" for number in range(count)],
            "first": [given[one] for one in draw.integers(0, len(given), count)],
            "last": [surnames[one] for one in draw.integers(0, len(surnames), count)],
            "born": [str(date) for date in dates],
            "street": [f"{one} {surnames[one % 13]} road" for one in draw.integers(1, 900, count)],
        }
    )


PEOPLE_COLUMNS = {
    "first": "given_name",
    "last": "surname",
    "born": "birth_date",
    "street": "address",
}


def twice(table: pa.Table, every: int) -> pa.Table:
    """A table with each so many-th record once more, under another id."""
    again = table.take(list(range(0, table.num_rows, every)))
    ids = pa.array([f"{value}-again" for value in again["key"].to_pylist()])
    return pa.concat_tables([table, again.set_column(0, "key", ids)])
