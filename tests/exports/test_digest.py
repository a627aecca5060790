"""The digest of a table: what it is made of, and what it tells apart."""

import hashlib
import json
from datetime import date, datetime

import duckdb
import pyarrow as pa
import pytest

from exports.digest import Digest, combined_digest, table_digest


def digest_of(table: pa.Table, batch_rows: int | None = None) -> Digest:
    return table_digest(table.schema, table.to_batches(batch_rows))


def texts(*values: str | None) -> pa.Table:
    return pa.table({"a": pa.array(values, pa.string())})


def numbers(*values: int | None) -> pa.Table:
    return pa.table({"a": pa.array(values, pa.int64())})


def test_the_digest_is_made_of_the_bytes_that_its_definition_names() -> None:
    table = pa.table(
        {
            "name": pa.array(["张", None], pa.string()),
            "day": pa.array([date(1970, 1, 3), date(1969, 12, 31)], pa.date32()),
            "is_new": pa.array([True, None], pa.bool_()),
        }
    )

    def sha(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    columns = [
        ["name", "text", sha(b"\0\1"), sha(b"\3\0\0\0\0\0\0\0"), sha("张".encode())],
        ["day", "date", sha(b"\0\0"), sha(b""), sha(b"\2" + b"\0" * 7 + b"\xff" * 8)],
        ["is_new", "boolean", sha(b"\0\1"), sha(b""), sha(b"\1\0")],
    ]
    expected = sha(json.dumps([2, columns], separators=(",", ":")).encode())
    assert digest_of(table) == Digest(2, expected)


def test_the_size_of_the_batches_does_not_matter() -> None:
    table = pa.table(
        {
            "text": pa.array([None if i % 7 == 0 else f"第{i}" for i in range(1000)]),
            "number": pa.array([None if i % 5 == 0 else i - 500 for i in range(1000)], pa.int64()),
            "flag": pa.array([None if i % 3 == 0 else i % 2 == 0 for i in range(1000)]),
            "at": pa.array([datetime(2026, 1, 1, 0, 0, i % 60) for i in range(1000)]),
        }
    )
    assert digest_of(table, 1) == digest_of(table, 333) == digest_of(table)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (texts(None), texts("")),
        (numbers(None), numbers(0)),
        (texts("ab", "c"), texts("a", "bc")),
        (texts("a", "b"), texts("b", "a")),
        (texts("1"), numbers(1)),
        (numbers(), numbers(None)),
        (numbers(1), numbers(1, 1)),
        (numbers(1), numbers(1).rename_columns(["b"])),
        (numbers(), pa.table({"b": pa.array([], pa.int64())})),
    ],
)
def test_tables_that_differ_have_different_digests(one: pa.Table, other: pa.Table) -> None:
    assert digest_of(one).sha256 != digest_of(other).sha256


def test_another_engine_may_use_smaller_numbers_and_larger_text() -> None:
    one = pa.table({"n": pa.array([1, None], pa.int64()), "t": pa.array(["x", None], pa.string())})
    other = pa.table(
        {"n": pa.array([1, None], pa.int32()), "t": pa.array(["x", None], pa.large_string())}
    )
    assert digest_of(one) == digest_of(other)


def test_what_lies_under_a_null_does_not_matter() -> None:
    hidden = pa.Array.from_buffers(
        pa.int64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(b"\x05" + b"\x00" * 7 + b"\x09" * 8)]
    )
    assert digest_of(pa.table({"a": hidden})) == digest_of(numbers(5, None))


def test_a_table_that_duckdb_streams_has_the_digest_of_its_arrow_table() -> None:
    with duckdb.connect() as database:
        query = (
            "select i::bigint as i, case when i % 3 > 0 then 'n' || i end as t, i % 2 = 0 as b, "
            "date '2026-01-01' + i::int as d, timestamp '2026-01-01' + to_seconds(i) as at "
            "from range(5000) r(i) order by i"
        )
        reader = database.execute(query).to_arrow_reader(100)
        streamed = table_digest(reader.schema, reader)
        assert streamed == digest_of(database.execute(query).to_arrow_table())
        assert streamed.rows == 5000


@pytest.mark.parametrize("data_type", [pa.float64(), pa.decimal128(18, 2), pa.timestamp("ns")])
def test_types_that_no_mart_may_hold_are_refused(data_type: pa.DataType) -> None:
    with pytest.raises(ValueError, match="no mart may hold"):
        digest_of(pa.table({"a": pa.array([], data_type)}))


def test_the_combined_digest_does_not_depend_on_the_order_of_the_tables() -> None:
    a, b = ("a", Digest(1, "x")), ("b", Digest(2, "y"))
    assert combined_digest([a, b]) == combined_digest([b, a])
    assert combined_digest([a, b]) != combined_digest([a, ("b", Digest(3, "y"))])
