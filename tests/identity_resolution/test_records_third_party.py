"""Sets that others made, with the numbers that have to be reached without a word about them."""

import pytest

from identity_resolution.records.matching import match_records
from identity_resolution.records.report import compared, judge
from tests.identity_resolution.tables import third_party


@pytest.mark.parametrize(
    ("name", "least_f1"),
    [("febrl3", 0.9985), ("rldata500", 0.97), ("fake_1000", 0.93)],
)
def test_a_small_third_party_set_is_resolved_as_well_as_was_promised(
    name: str, least_f1: float
) -> None:
    _, records = third_party(name)
    assert judge(records, match_records(records).cluster).f1 >= least_f1


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "least_f1"),
    [
        ("febrl1", 0.9985),
        ("febrl2", 0.9985),
        ("febrl3", 0.9985),
        ("fake_1000", 0.93),
        ("census + social security", 0.95),
        ("census + W2", 0.95),
        ("census + social security + W2", 0.95),
    ],
)
def test_a_third_party_set_is_resolved_better_than_by_plain_splink_at_its_best(
    name: str, least_f1: float
) -> None:
    _, records = third_party(name)
    found = judge(records, match_records(records).cluster).f1
    assert found >= least_f1
    assert all(found >= other.f1 for other in compared(records, "duckdb").values())
