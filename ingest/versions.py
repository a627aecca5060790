"""The order among several rows that speak of one key, whatever night they arrived in.

Of a table in mode `append` a row of a higher sequence corrects one of a lower; in mode `upsert` the
later business date counts, then the higher sequence. A row that a person released from quarantine
counts above all that were delivered under its own version. Rows of the same version that say the
same are one row; rows of the same version that contradict each other do not count (macro
latest_version).
"""

from datetime import date

from ingest.core.contract import Table

SEQUENCES = 1_000
RELEASES = 100_000  # room for a day number
FIRST_DAY = date(2000, 1, 1)


def delivered_version(table: Table, business_date: date, sequence: int) -> int:
    """Version of the rows of one file."""
    day = int(business_date.strftime("%Y%m%d")) if table.mode == "upsert" else 0
    return (day * SEQUENCES + sequence) * RELEASES


def released_version(version: int, effective_from: date) -> int:
    """Version of a row of that version, released with effect from the night of a date."""
    return version - version % RELEASES + (effective_from - FIRST_DAY).days
