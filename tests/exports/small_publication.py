"""A publication small enough to work out on paper, made by hand: the pool fund example of RULES §7.

Mall issues 10 000 points and hotel 4 000 at 1 fen; parking takes 6 000 (4 500 of the mall's, 1 500
of the hotel's) at 0.8 fen. Mall owes 100.00, hotel 40.00, parking is owed 48.00, the fund is left
with 92.00.
"""

import json
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path

import duckdb

from exports.closes import steps
from exports.closes.totals import read_totals, write_totals
from exports.reader import read_marts, require_publication
from ingest.core.lake import Lake, write_bytes
from ingest.core.privacy import Key, Keys, replace_keys
from ingest.core.settings import PROJECT, Settings

BUSINESS_DATE = date(2026, 1, 15)
VERSION = "2026-01-15-0123456789ab"
RUN_KEY = "0123456789ab" + "0" * 52

# What is inserted into each mart; columns that do not matter here stay NULL. The marts are made of
# their real contracts, so an export that reads a column that is not there fails here.
ROWS = {
    "dim_businesses": """
        (business, business_name, legal_entity_name, unified_social_credit_code) values
        ('hotel', '酒店', '示例酒店管理有限公司', '91310000MA1K000B0X'),
        ('mall', '购物中心', '示例商业管理有限公司', '91310000MA1K000A0X'),
        ('parking', '停车场', '示例停车管理有限公司', '91310000MA1K000D0X')""",
    "dim_parties": """
        (party, party_name, party_kind, legal_entity_name, unified_social_credit_code) values
        ('hotel', '酒店', 'business', '示例酒店管理有限公司', '91310000MA1K000B0X'),
        ('mall', '购物中心', 'business', '示例商业管理有限公司', '91310000MA1K000A0X'),
        ('parking', '停车场', 'business', '示例停车管理有限公司', '91310000MA1K000D0X'),
        ('fund', '集团积分基金', 'fund', null, null)""",
    "dim_members": """
        (member_id, tier, tier_name, tier_valid_until_date, points_balance,
        points_expiring_30_days, mobile_masked) values
        ('M1', 'gold', '金卡', '2026-12-31', 5500, 500, '138****0001'),
        ('M2', 'basic', '普卡', null, 2500, 0, '139****0002')""",
    "dim_member_accounts": """
        (source, account_id, business, member_id, rule, first_seen_date) values
        ('pos', '00012', 'mall', 'M1', 'mobile', '2025-01-01'),
        ('pos', '=1+1', 'mall', 'M2', 'own', '2025-01-01'),
        ('pms', 'G7', 'hotel', 'M2', 'mobile', '2025-01-01'),
        ('gate', 'P9', 'parking', 'M1', 'plate', '2025-01-01')""",
    "dim_member_tiers": """
        (member_id, tier, tier_name) values
        ('M1', 'gold', '金卡'), ('M2', 'basic', '普卡')""",
    "fct_member_id_changes": """
        (source, account_id, posted_date, previous_member_id, member_id, reason) values
        ('pms', 'G7', '2026-01-15', null, 'M2', 'new')""",
    "fct_identity_quality": """
        (business_date, settings_version, account_count, member_count, held_link_count,
        blocked_value_count, members_over_names_count, most_names,
        most_members_over_names_per_million, largest_member_account_count,
        previous_largest_member_account_count, largest_member_growth, largest_member_growth_from)
        values
        ('2026-01-15', 'abcdef012345', 1204, 802, 3, 5, 1, 3, 110, 9, 8, 2, 10)""",
    "fct_identity_reviews": """
        (low_source, low_account_id, high_source, high_account_id, rule, reason, link_count) values
        ('gate', 'P9', 'pms', 'G7', 'same_plate_and_name', 'member_limit', 2),
        ('pms', 'G7', 'pos', '00012', 'compared', 'names_disagree', 1)""",
    "fct_points_entries": """
        (entry_id, posted_date, entry_type, points, is_reversal, member_id, issuer_business,
        redeemer_business) values
        ('e1', '2026-01-05', 'accrual', 10000, false, 'M1', 'mall', null),
        ('e2', '2026-01-15', 'accrual', 4000, false, 'M2', 'hotel', null),
        ('e3', '2026-01-15', 'redemption', 4500, false, 'M1', 'mall', 'parking'),
        ('e4', '2026-01-15', 'redemption', 1500, false, 'M2', 'hotel', 'parking')""",
    "fct_points_liability": """
        (period_month, issuer_business, opening_points, issued_points, restored_points,
        redeemed_points, expired_points, clawed_back_points, repaid_points, closing_points,
        debt_points, closing_fen)
        values
        ('2026-01-01', 'mall', 0, 10000, 0, 4500, 0, 0, 0, 5500, 30, 4400),
        ('2026-01-01', 'hotel', 0, 4000, 0, 1500, 0, 0, 0, 2500, 0, 2000)""",
    "fct_points_liability_cohorts": """
        (period_month, statement_date, issuer_business, issue_month, opening_points, issued_points,
        restored_points, redeemed_points, expired_points, clawed_back_points, repaid_points,
        renewed_points, closing_points, adjusted_points, expiring_30_days_points,
        expiring_60_days_points, expiring_90_days_points, redeemed_per_10000, value_micro_fen,
        opening_fen, issued_fen, restored_fen, redeemed_fen, expired_fen, clawed_back_fen,
        repaid_fen, renewed_fen, revalued_fen, rounding_fen, closing_fen) values
        ('2026-01-01', '2026-01-15', 'mall', '2025-12-01', 0, 6000, 0, 4500, 0, 0, 0, 0, 1500,
         6000, 100, 200, 300, 7500, 800000, 0, 4800, 0, 3600, 0, 0, 0, 0, 0, 0, 1200),
        ('2026-01-01', '2026-01-15', 'mall', '2026-01-01', 0, 4000, 0, 0, 0, 0, 0, 0, 4000,
         0, 0, 0, 0, 0, 800000, 0, 3200, 0, 0, 0, 0, 0, 0, 0, 0, 3200),
        ('2026-01-01', '2026-01-15', 'hotel', '2026-01-01', 0, 4000, 0, 1500, 0, 0, 0, 0, 2500,
         0, 0, 0, 0, 3750, 800000, 0, 3200, 0, 1200, 0, 0, 0, 0, 0, 0, 2000)""",
    "fct_points_liability_redeemers": """
        (period_month, issuer_business, issue_month, redeemer_business, redeemed_points) values
        ('2026-01-01', 'mall', '2025-12-01', 'parking', 4500),
        ('2026-01-01', 'hotel', '2026-01-01', 'parking', 1500)""",
    "fct_tier_changes": """
        (change_id, posted_date, member_id, from_tier, to_tier, reason, is_reversal) values
        ('c1', '2026-01-15', 'M1', 'basic', 'gold', 'upgrade', false),
        ('c2', '2026-01-14', 'M2', 'gold', 'basic', 'downgrade', false)""",
    "fct_member_entitlements": """
        (member_id, benefit, benefit_name, business, quantity, quantity_unit) values
        ('M1', 'mall_parking_hours', '商场免费停车时长', 'parking', 3, 'hour_per_day'),
        ('M1', 'mall_vip_lounge', '商场贵宾休息室', 'mall', 12, 'use_per_year')""",
    "fct_audience_members": """
        (audience, audience_name, business, member_id, measure) values
        ('points_expiring', '积分即将过期', 'mall', 'M1', 500),
        ('sleeping', '沉睡会员', 'hotel', 'M2', 200)""",
    # In the mart's order: by the two parties, then as they were posted.
    "fct_settlement_lines": """
        (line_id, entry_id, posted_date, business_date, period_month, origin_month,
        movement_type, payer_party, payee_party, first_party, second_party, points,
        unit_price_micro_fen, amount_fen, rounding_micro_fen, tax_treatment, tax_per_mille,
        ex_tax_fen, tax_fen, is_reversal, source, account_id, activity_id, lot_id, rule_id,
        document_no, unit_id, order_fen, source_file, source_row) values
        ('l2', 'e2', '2026-01-15', '2026-01-15', '2026-01-01', '2026-01-01', 'accrual', 'hotel',
         'fund', 'fund', 'hotel', 4000, 1000000, 4000, 0, 'outside', 0, 4000, 0, false,
         'pms', 'G7', 'a2', 't2', 'r1', 'F-2', 'H1', 40000, 'folios.jsonl', 1),
        ('l1', 'e1', '2026-01-05', '2025-12-31', '2026-01-01', '2025-12-01', 'accrual', 'mall',
         'fund', 'fund', 'mall', 10000, 1000000, 10000, 0, 'outside', 0, 10000, 0, false,
         'pos', '00012', 'a1', 't1', 'r1', 'S-1', 'SH01', 1000000, '=1+1.csv', 7),
        ('l3', 'e3', '2026-01-15', '2026-01-15', '2026-01-01', '2026-01-01', 'redemption', 'fund',
         'parking', 'fund', 'parking', 4500, 800000, 3600, 0, 'general', 60, 3396, 204, false,
         'gate', 'P9', 'a3', 't1', 'r2', 'P-3', 'T1', 33600, 'pay.csv', 2),
        ('l4', 'e4', '2026-01-15', '2026-01-15', '2026-01-01', '2026-01-01', 'redemption', 'fund',
         'parking', 'fund', 'parking', 1500, 800000, 1200, 0, 'general', 60, 1132, 68, false,
         'gate', 'P9', 'a3', 't2', 'r2', null, null, null, 'pay.csv', 2)""",
    "fct_settlement_statements": """
        (period_month, party, movement_type, line_count, points, receivable_fen, payable_fen,
        net_fen, receivable_tax_fen, payable_tax_fen, net_tax_fen) values
        ('2026-01-01', 'mall', 'accrual', 1, 10000, 0, 10000, -10000, 0, 0, 0),
        ('2026-01-01', 'hotel', 'accrual', 1, 4000, 0, 4000, -4000, 0, 0, 0),
        ('2026-01-01', 'parking', 'redemption', 2, 6000, 4800, 0, 4800, 272, 0, 272),
        ('2026-01-01', 'fund', 'accrual', 2, 14000, 14000, 0, 14000, 0, 0, 0),
        ('2026-01-01', 'fund', 'redemption', 2, 6000, 0, 4800, -4800, 0, 272, -272)""",
    "fct_settlement_balances": """
        (period_month, party, opening_fen, receivable_fen, payable_fen, payments_fen, closing_fen)
        values
        ('2026-01-01', 'mall', 0, 0, 10000, 0, -10000),
        ('2026-01-01', 'hotel', 0, 0, 4000, 0, -4000),
        ('2026-01-01', 'parking', 0, 4800, 0, 0, 4800),
        ('2026-01-01', 'fund', 0, 14000, 4800, 0, 9200)""",
    "fct_counterparty_balances": """
        (period_month, party, counterparty, opening_fen, receivable_fen, payable_fen, payments_fen,
        closing_fen) values
        ('2026-01-01', 'mall', 'fund', 0, 0, 10000, 0, -10000),
        ('2026-01-01', 'fund', 'mall', 0, 10000, 0, 0, 10000),
        ('2026-01-01', 'hotel', 'fund', 0, 0, 4000, 0, -4000),
        ('2026-01-01', 'fund', 'hotel', 0, 4000, 0, 0, 4000),
        ('2026-01-01', 'parking', 'fund', 0, 4800, 0, 0, 4800),
        ('2026-01-01', 'fund', 'parking', 0, 0, 4800, 0, -4800)""",
    "fct_settlement_matrix": """
        (period_month, issuer_business, redeemer_business, points, amount_fen) values
        ('2026-01-01', 'mall', 'parking', 4500, 3600),
        ('2026-01-01', 'hotel', 'parking', 1500, 1200)""",
    "fct_load_reconciliation": """
        (load_date, source, table_name, source_file, status, row_count, loaded_count,
        duplicate_count, superseded_count, quarantined_count, control_row_count,
        control_total_fen, is_balanced)
        values
        ('2026-01-15', 'gate', 'payments', 'pay.csv', 'accepted', 5, 5, 0, 0, 0, 5, null, true),
        ('2026-01-15', 'pos', 'sales', '=1+1.csv', 'accepted', 100, 96, 1, 1, 2, 100, 123456,
         true)""",
    "fct_source_freshness": """
        (source, business, policy, last_load_date, last_delivered_date, last_business_date,
        gap_count, is_provisional) values
        ('gate', 'parking', 'provisional', '2026-01-15', '2026-01-15', '2026-01-15', 0, false),
        ('pms', 'hotel', 'provisional', '2026-01-14', '2026-01-14', '2026-01-14', 1, true),
        ('pos', 'mall', 'provisional', '2026-01-15', '2026-01-15', '2026-01-15', 0, false)""",
    "fct_delivery_calendar": """
        (source, business_date, sequence, load_date, status, is_out_of_order, is_gap) values
        ('gate', '2026-01-15', 1, '2026-01-15', 'on_time', false, false),
        ('pms', '2026-01-15', 1, null, 'missing', false, true),
        ('pos', '2026-01-15', 1, '2026-01-15', 'on_time', false, false)""",
    "fct_batch_expectations": """
        (load_date, source, table_name, expectation, severity, is_met, observed, failing_count)
        values
        ('2026-01-15', 'gate', 'payments', 'bills agree', 'critical', null, 'not judged', null),
        ('2026-01-15', 'pos', 'sales', 'no gifts', 'warning', false, 'found 1200', 1200),
        ('2026-01-15', 'pos', 'sales', 'has receipts', 'critical', true, 'found 0', 0)""",
    "fct_invariants": """
        (invariant, description, checked_count, violation_count) values
        ('I1', '借贷相等', 4, 0),
        ('I3', '全体结算合计为零', 4, 0)""",
}


# Keys of every lake, so that equal lakes make equal packs.
KEYS = Keys("t1", bytes(32), "m1", bytes(32), sign_keys=(Key("s1", bytes(range(32))),))


def settings_of(lake: Path) -> Settings:
    """Settings of a lake in a test folder."""
    return Settings(lake, lake / "keys.json", lake / "rules", lake / "dbt_project", "1GB")


def write_keys(settings: Settings) -> None:
    """Put the keys of every lake beside this one."""
    settings.keys_file.parent.mkdir(parents=True, exist_ok=True)
    replace_keys(settings.keys_file, KEYS)


@cache
def create_statements() -> tuple[str, ...]:
    """The tables of all marts, by their contracts."""
    return tuple(
        f"create table {mart.name} ({', '.join(f'{c.name} {c.data_type}' for c in mart.columns)})"
        for mart in read_marts(PROJECT / "dbt_project")
    )


def publish_small(lake: Path, *changes: str) -> Settings:
    """Publish the example after changing it with SQL statements; return settings that find it."""
    folder = lake / "published" / VERSION
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        for statement in create_statements():
            connection.execute(statement)
        for table, rows in ROWS.items():
            connection.execute(f"insert into {table} {rows}")
        for change in changes:
            connection.execute(change)
    night = {"run_key": RUN_KEY, "rules_version": "0f" * 32, "code_version": "c0" * 32}
    write_bytes(lake / "raw" / "nights" / f"{RUN_KEY}.json", json.dumps(night).encode())
    manifest = {
        "version": VERSION,
        "business_date": BUSINESS_DATE.isoformat(),
        "run_key": RUN_KEY,
        "marts": [],
    }
    for name in ("batches/index", "batches/pos__sales", "marts/index"):
        page = folder / "data_docs" / f"{name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f"<p>{name}</p>\n", encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (lake / "published" / "current").symlink_to(VERSION)
    settings = settings_of(lake)
    write_keys(settings)
    return settings


def close_small(settings: Settings) -> None:
    """Close January as the close step would; its last night is not asked for."""
    lake = Lake(settings.lake)
    with require_publication(lake).connect() as marts:
        rows = read_totals(marts, date(2026, 1, 1))
    write_totals(lake, "2026-01", 1, VERSION, rows)
    digest = sha256(lake.close("2026-01").read_bytes()).hexdigest()
    for step, state, by, through in (
        (steps.FREEZE, steps.FROZEN, "陈静", date(2026, 1, 31)),
        (steps.REVIEW, steps.REVIEWED, "王芳", None),
        (steps.CONFIRM, steps.CONFIRMED, "李强", None),
        (steps.CLOSE, steps.CLOSED, "陈静", None),
    ):
        taken = steps.Step(
            "2026-01", 1, step, state, by, BUSINESS_DATE, VERSION, "", None, through, digest
        )
        steps.add_step(lake, steps.read_history(lake, "2026-01"), taken)
