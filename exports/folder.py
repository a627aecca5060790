"""One folder of the outbox: its files, then the manifest that lists them.

Without a manifest a folder is not complete, so the old one goes first and the new one comes last.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from exports.catalogue import ExportColumn
from exports.reader import MANIFEST, sql_name, sql_text
from exports.writer import json_bytes
from ingest.core.lake import remove, write_bytes, write_with

BOM = "\ufeff"  # Excel takes a CSV file for UTF-8 only if it starts with this
Signature = tuple[str, Callable[[bytes], bytes]]  # name of its file, and what makes it
FORBIDDEN_IN_NAMES = '\\/:*?"<>|'


class ExportFolder:
    """A folder being filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: list[dict[str, Any]] = []
        remove(folder / MANIFEST)

    def add_text(self, name: str, text: str) -> None:
        """Write a text file."""
        write_bytes(self.folder / name, text.encode("utf-8"))
        self._note(name, {})

    def add_bytes(self, name: str, content: bytes, **facts: Any) -> None:
        """Write a file; `facts` stand in the manifest beside its hash."""
        write_bytes(self.folder / name, content)
        self._note(name, facts)

    def add_file(self, name: str, write: Callable[[Path], None], **facts: Any) -> None:
        """Let `write` make a file; `facts` stand in the manifest beside its hash."""
        write_with(self.folder / name, write)
        self._note(name, facts)

    def add_csv(
        self,
        name: str,
        connection: duckdb.DuckDBPyConnection,
        relation: str,
        columns: tuple[ExportColumn, ...],
        order: str | None,
        **facts: Any,
    ) -> int:
        """Write columns of a query as CSV (UTF-8 with BOM, Chinese header), in the order of the
        query if no other is named; return its rows.
        """
        rows: list[int] = []

        def write(path: Path) -> None:
            rows.append(copy_csv(connection, relation, columns, order, path))

        write_with(self.folder / name, write)
        self._note(name, {"rows": rows[0], **facts})
        return rows[0]

    def sha256_of(self, name: str) -> str:
        """SHA-256 of a file that was written."""
        found = [str(entry["sha256"]) for entry in self._files if entry["name"] == name]
        return found[0]

    def finish(self, signature: Signature | None = None, **facts: Any) -> Path:
        """Take away what an earlier run left, write the manifest, return the folder. A signature
        of the manifest lies there before it does.
        """
        names = {entry["name"] for entry in self._files}
        for path in sorted(self.folder.rglob("*"), reverse=True):
            is_kept = path.relative_to(self.folder).as_posix() in names
            if not is_kept and not (path.is_dir() and any(path.iterdir())):
                remove(path)
        content = json_bytes({**facts, "files": self._files})
        if signature is not None:
            name, sign = signature
            write_bytes(self.folder / name, sign(content))
        write_bytes(self.folder / MANIFEST, content)
        return self.folder

    def _note(self, name: str, facts: dict[str, Any]) -> None:
        path = self.folder / name
        size = path.stat().st_size
        self._files.append({"name": name, "sha256": file_sha256(path), "bytes": size, **facts})


def copy_csv(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: tuple[ExportColumn, ...],
    order: str | None,
    path: Path,
) -> int:
    """Write a query to `path`, each value as its column's kind says; return the number of rows."""
    selected = ", ".join(
        f"{column.csv_expression} as {sql_name((BOM if index == 0 else '') + column.label)}"
        for index, column in enumerate(columns)
    )
    ordered = f" order by {order}" if order else ""
    result = connection.execute(
        f"copy (select {selected} from ({relation}){ordered})"
        f" to {sql_text(path)} (format csv, header true)"
    ).fetchone()
    return int(result[0]) if result else 0


def file_name(text: str) -> str:
    """A text made safe as (part of) a file name on every system."""
    kept = "".join(
        "_" if character in FORBIDDEN_IN_NAMES or ord(character) < 32 else character
        for character in text
    )
    return kept.strip(" .") or "_"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
