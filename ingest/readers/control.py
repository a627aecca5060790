"""Control files: how many rows and how much money each file of a delivery should hold."""

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ingest.core.contract import Control
from ingest.core.errors import Problem, one_line
from ingest.values import fen

MAX_SEQUENCE = 999
SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Expectation:
    """What the control file says of one file; None where it says nothing.

    `sequence` says which version of its business date the file is, if not that of its delivery;
    `sha256` is the digest of its bytes in hex. A summary in the file itself says `other_sums_fen`
    too: those of the table's totals after the first.
    """

    row_count: int
    total_fen: int | None
    sequence: int | None = None
    sha256: str | None = None
    other_sums_fen: tuple[int, ...] = ()
    said_by: str = "its control file"


def read_control(control: Control, path: Path) -> dict[str, Expectation]:
    """Read a delivery's control file: what it says of each file name."""
    try:
        text = path.read_bytes().decode(control.encoding, "strict")
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Problem(f"{path} is not {control.encoding} (byte {error.start})") from error
    return _from_json(text, path) if control.format == "json" else _from_csv(control, text, path)


def _from_json(text: str, path: Path) -> dict[str, Expectation]:
    try:
        entries: dict[str, Expectation] = {}
        for entry in json.loads(text)["files"]:
            optional = (entry.get("sequence"), entry.get("sha256"))
            _add(entries, entry["file"], entry["rows"], entry["total_fen"], *optional)
        return entries
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Problem(
            f"{path} is not a control file ({one_line(error)}); ask for it again"
        ) from error


def _from_csv(control: Control, text: str, path: Path) -> dict[str, Expectation]:
    if text and not text.endswith("\n"):
        raise Problem(f"{path} is cut off: its last line has no line end; ask for it again")
    entries: dict[str, Expectation] = {}
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in rows:
            _add(entries, *_values(control.columns, row))
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise Problem(
            f"{path}: line {rows.line_num} is not a control row: {one_line(repr(error))}"
        ) from error
    return entries


def _values(headers: Mapping[str, str], row: Mapping[str, str]) -> tuple[Any, ...]:
    total = row[headers["total"]]
    sequence, sha256 = (
        row[headers[name]] if name in headers else None for name in ("sequence", "sha256")
    )
    return (
        row[headers["file"]],
        int(row[headers["rows"]]),
        amount_fen(total, "yuan") if total else None,
        int(sequence) if sequence else None,
        sha256 or None,
    )


def _add(
    entries: dict[str, Expectation], name: Any, rows: Any, total: Any, sequence: Any, sha256: Any
) -> None:
    """Add what is said of one file; ValueError if it cannot be."""
    is_whole = all(type(value) in (int, type(None)) for value in (total, sequence))
    if type(name) is not str or type(rows) is not int or rows < 0 or not is_whole:
        raise ValueError(f"bad entry for {name}")
    if sequence is not None and not 1 <= sequence <= MAX_SEQUENCE:
        raise ValueError(f"sequence {sequence} of {name}")
    if name in entries:
        raise ValueError(f"names {name} twice")
    if Path(name).name != name or name.startswith("."):
        raise ValueError(f"{name} is no plain file name")
    if sha256 is not None and not (type(sha256) is str and SHA256.fullmatch(sha256)):
        raise ValueError(f"SHA-256 of {name}")
    entries[name] = Expectation(rows, total, sequence, sha256.lower() if sha256 else None)


def amount_fen(text: str, unit: str) -> int:
    """Fen of an amount in yuan or fen; ValueError if it is none."""
    amount: int | None = pl.select(fen(pl.lit(text.strip()), unit)).item()
    if amount is None:
        raise ValueError(f"{text} is no amount in {unit}")
    return amount
