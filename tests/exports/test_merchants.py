"""Merchants by month of sale, on an order and its refund worked by hand."""

from pathlib import Path

from exports.merchants import merchant_table
from tests.exports.small_publication import publish_small

# 90.00 in money and 10.00 of the fund's voucher; 8.00 commission, 0.54 fee; in February 20.00 of
# the money come back, with 1.60 of the commission.
LINES = """
    insert into fct_settlement_lines (line_id, origin_month, movement_type, payer_party,
        payee_party, amount_fen, activity_id) values
        ('m1', '2026-01-01', 'sale', 'mall', 'mall/S1', 9000, 'o'),
        ('m2', '2026-01-01', 'voucher_subsidy', 'fund', 'mall/S1', 1000, 'o'),
        ('m3', '2026-01-01', 'commission', 'mall/S1', 'mall', 800, 'o'),
        ('m4', '2026-01-01', 'channel_fee', 'mall/S1', 'mall', 54, 'o'),
        ('m5', '2026-02-01', 'sale_refund', 'mall/S1', 'mall', 2000, 'r'),
        ('m6', '2026-02-01', 'commission_refund', 'mall', 'mall/S1', 160, 'r')
"""
ORDERS = """
    insert into fct_activities (activity_id, business, activity_type, gross_fen, discount_fen)
        values ('o', 'mall', 'purchase', 10000, 0), ('r', 'mall', 'refund', -2000, 0),
        ('free', 'mall', 'purchase', 500, 500)
"""
PARTY = (
    "insert into dim_parties (party, party_name, party_kind) values ('mall/S1', '店', 'merchant')"
)


def said(root: Path, *changes: str) -> list[list[str]]:
    settings = publish_small(root, LINES, ORDERS, PARTY, *changes)
    return [line.split() for line in merchant_table(settings, is_by_merchant=True)]


def test_a_month_says_what_was_sold_who_paid_what_is_kept_and_owed(tmp_path: Path) -> None:
    table = said(tmp_path)
    assert table[1:4] == [
        ["2026-01", "mall/S1", "1", "100.00", "10.00", "8.00", "0.54", "91.46"],
        ["2026-02", "mall/S1", "0", "-20.00", "0.00", "-1.60", "0.00", "-18.40"],
        ["in", "all", "1", "80.00", "10.00", "6.40", "0.54", "73.06"],
    ]
    assert table[5][-2:] == ["=", "0.00"]
    assert table[7] == ["0", "documents", "of", "1", "orders", "not", "settled"]


def test_what_is_not_settled_is_counted_by_reason(tmp_path: Path) -> None:
    table = said(
        tmp_path,
        "insert into fct_activities (activity_id, business, activity_type, gross_fen,"
        " discount_fen) values ('lost', 'mall', 'purchase', 700, 200)",
        "insert into fct_settlement_suspense (party, activity_id, reason, open_fen) values"
        " ('suspense/mall', 'x', 'no_contract', -4000)",
    )
    assert table[7:] == [
        ["2", "documents", "of", "1", "orders", "not", "settled"],
        ["no_contract:", "1", "documents,", "40.00"],
        ["no_line:", "1", "documents,", "5.00"],
    ]
