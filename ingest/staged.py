"""The Parquet files that one landing file becomes, written aside and moved in when all is well."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.core.lake import ROW_GROUP_ROWS

# Keys first: no sealed value is ever without its key.
ZONES = ("restricted/keys", "quarantine/keys", "restricted", "quarantine", "raw")


class StagedFile:
    """Up to one Parquet file a zone; groups of rows have the same size, however rows came.

    `distinct` names columns that hardly repeat, which a dictionary would only slow down. Only they
    get statistics: readers look rows up by them, and by no other column.
    """

    def __init__(self, folder: Path, name: str, distinct: Sequence[str] = ()) -> None:
        self._folder, self._name, self._distinct = folder, name, distinct
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._waiting: dict[str, list[pa.Table]] = {}

    def add(self, zone: str, rows: pa.Table) -> None:
        """Add rows to the file of one zone; a file exists once it has a row."""
        if rows.num_rows == 0:
            return
        waiting = self._waiting.setdefault(zone, [])
        waiting.append(rows)
        if sum(part.num_rows for part in waiting) >= ROW_GROUP_ROWS:
            whole = pa.concat_tables(waiting)
            full = whole.num_rows - whole.num_rows % ROW_GROUP_ROWS
            self._writer(zone, rows.schema).write_table(whole.slice(0, full), ROW_GROUP_ROWS)
            self._waiting[zone] = [whole.slice(full)] if full < whole.num_rows else []

    def close(self) -> dict[str, Path]:
        """Write what is waiting; the finished file of each zone."""
        for zone, waiting in self._waiting.items():
            if waiting:
                rows = pa.concat_tables(waiting)
                self._writer(zone, rows.schema).write_table(rows, ROW_GROUP_ROWS)
        for writer in self._writers.values():
            writer.close()
        return {zone: self._path(zone) for zone in ZONES if zone in self._writers}

    def _writer(self, zone: str, schema: pa.Schema) -> pq.ParquetWriter:
        if zone not in self._writers:
            path = self._path(zone)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writers[zone] = pq.ParquetWriter(
                path,
                schema.remove_metadata(),
                compression="zstd",
                use_dictionary=[name for name in schema.names if name not in self._distinct],
                write_statistics=[name for name in schema.names if name in self._distinct],
            )
        return self._writers[zone]

    def _path(self, zone: str) -> Path:
        return self._folder / zone / f"{self._name}.parquet"
