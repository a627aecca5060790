"""How values of each kind stand in CSV files."""

import duckdb
import pytest

from exports.catalogue import ExportColumn


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("yuan", 6929, "69.29"),
        ("yuan", -5, "-0.05"),
        ("yuan", 10**18 - 1, "9999999999999999.99"),
        ("per_mille", 60, "6.0%"),
        ("per_mille", -5, "-0.5%"),
        ("per_10000", 1, "0.01%"),
        ("per_10000", -1250, "-12.50%"),
        ("unit_price", 800_000, "0.800000"),
        ("unit_price", -1, "-0.000001"),
        ("unit_price", None, None),
        ("per_mille", None, None),
    ],
)
def test_parts_of_whole_numbers_are_written_as_decimals_with_their_sign(
    kind: str, value: int | None, text: str | None
) -> None:
    column = ExportColumn("value", "值", kind, 10, False, False)
    query = f"select {column.csv_expression} from (select $value::bigint as value)"
    assert duckdb.execute(query, {"value": value}).fetchone() == (text,)
