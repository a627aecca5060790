"""The summary at the end of a file: what its sender says the file holds."""

import csv
import re
from pathlib import Path

from ingest.core.contract import Table, Trailer
from ingest.core.errors import Problem
from ingest.readers.control import Expectation, amount_fen

TRAILER_LINES = 2  # headers and values
COUNT = re.compile(r"([0-9]{1,12})(\.0+)?")


def read_trailer(table: Table, trailer: Trailer, last_lines: bytes, path: Path) -> Expectation:
    """What the last lines of a file say of it; Problem if they are not its summary."""
    try:
        headers, values = (_fields(table, line) for line in last_lines.decode().split("\n")[:-1])
        said = dict(zip(headers, values, strict=True))
        count = COUNT.fullmatch(said[trailer.rows])
        if count is None or len(said) < len(headers):
            raise ValueError(f"{said[trailer.rows]} rows")
        sums = {
            name: amount_fen(said[header], table.column(name).unit or "fen")
            for name, header in trailer.sums.items()
        }
    except (ValueError, KeyError, csv.Error) as error:
        raise Problem(
            f"{path} does not end with its summary ({trailer.rows}, …): it is cut off, or goes on "
            "behind it; the file was refused, ask for it again"
        ) from error
    total_fen, *others = (sums[name] for name in table.totals)
    return Expectation(
        int(count.group(1)), total_fen, other_sums_fen=tuple(others), said_by="its summary"
    )


def _fields(table: Table, line: str) -> list[str]:
    """The values of one line, without the sign before each of them."""
    [fields] = csv.reader([line], delimiter=table.delimiter, strict=True)
    return [field.strip().removeprefix(table.value_prefix or "").strip() for field in fields]
