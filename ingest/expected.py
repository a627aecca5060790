"""The calendar: for which business dates a night awaited a delivery of a source."""

from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa

from ingest.core.contract import Source
from ingest.core.lake import Lake, write_parquet

EXPECTED = pa.schema(
    [
        ("source", pa.string()),
        ("business", pa.string()),
        ("business_date", pa.date32()),
        ("policy", pa.string()),
    ]
)


def write_expected(lake: Lake, source: Source, night: date, nights_before: Sequence[date]) -> None:
    """Write down every business date since the night before, that of nights left out too.

    `nights_before` are the nights that loaded the source, ascending; the first night awaits its own
    date alone.
    """
    first = nights_before[-1] + timedelta(days=1) if nights_before else night
    rows = [
        {
            "source": source.name,
            "business": source.business,
            "business_date": first + timedelta(days=day),
            "policy": source.policy,
        }
        for day in range((night - first).days + 1)
    ]
    write_parquet(pa.Table.from_pylist(rows, EXPECTED), lake.expected(source.name, night))
