"""A publication small enough to work out on paper, made by hand: the pool fund example of RULES §7.

Mall issues 10 000 points and hotel 4 000 at 1 fen; parking takes 6 000 (4 500 of the mall's, 1 500 of the
hotel's) at 0.8 fen. Mall owes 100.00, hotel 40.00, parking is owed 48.00, the fund is left with 92.00.
"""

import json
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.core.lake import Lake, write_parquet
from ingest.core.settings import Settings

BUSINESS_DATE = date(2026, 1, 15)
VERSION = "2026-01-15-0123456789ab"
RUN_KEY = "0123456789ab" + "0" * 52

TABLES = {
    "dim_businesses": "business varchar, business_name varchar, legal_entity_name varchar,"
    " unified_social_credit_code varchar",
    "dim_parties": "party varchar, party_name varchar, legal_entity_name varchar,"
    " unified_social_credit_code varchar",
    "dim_members": "member_id varchar, tier varchar, tier_name varchar, tier_valid_until_date date,"
    " points_balance bigint, points_expiring_30_days bigint, mobile_masked varchar",
    "dim_member_accounts": "source varchar, account_id varchar, business varchar, member_id varchar,"
    " rule varchar, first_seen_date date",
    "dim_member_tiers": "member_id varchar, tier varchar, tier_name varchar",
    "fct_member_id_changes": "source varchar, account_id varchar, posted_date date,"
    " previous_member_id varchar, member_id varchar, reason varchar",
    "fct_points_entries": "entry_id varchar, posted_date date, entry_type varchar, points bigint,"
    " is_reversal boolean, member_id varchar, issuer_business varchar, redeemer_business varchar",
    "fct_points_liability": "period_month date, issuer_business varchar, opening_points bigint,"
    " issued_points bigint, restored_points bigint, redeemed_points bigint, expired_points bigint,"
    " clawed_back_points bigint, repaid_points bigint, closing_points bigint",
    "fct_tier_changes": "change_id varchar, posted_date date, member_id varchar, from_tier varchar,"
    " to_tier varchar, reason varchar, is_reversal boolean",
    "fct_member_entitlements": "member_id varchar, benefit varchar, benefit_name varchar,"
    " business varchar, quantity bigint, quantity_unit varchar",
    "fct_audience_members": "audience varchar, audience_name varchar, business varchar,"
    " member_id varchar, measure bigint",
    "fct_settlement_lines": "line_id varchar, entry_id varchar, posted_date date, business_date date,"
    " period_month date, origin_month date, movement_type varchar, payer_party varchar,"
    " payee_party varchar, points bigint, unit_price_micro_fen bigint, amount_fen bigint,"
    " rounding_micro_fen bigint, is_reversal boolean, source varchar, account_id varchar,"
    " activity_id varchar, lot_id varchar, rule_id varchar, source_file varchar, source_row bigint",
    "fct_settlement_statements": "period_month date, party varchar, movement_type varchar,"
    " line_count bigint, points bigint, receivable_fen bigint, payable_fen bigint, net_fen bigint",
    "fct_settlement_balances": "period_month date, party varchar, opening_fen bigint,"
    " receivable_fen bigint, payable_fen bigint, closing_fen bigint",
    "fct_settlement_matrix": "period_month date, issuer_business varchar, redeemer_business varchar,"
    " points bigint, amount_fen bigint",
    "fct_load_reconciliation": "load_date date, source varchar, table_name varchar,"
    " source_file varchar, row_count bigint, loaded_count bigint, duplicate_count bigint,"
    " quarantined_count bigint, control_row_count bigint, control_total_fen bigint,"
    " is_balanced boolean",
    "fct_source_freshness": "source varchar, last_load_date date, last_business_date date",
    "fct_invariants": "invariant varchar, description varchar, checked_count bigint,"
    " violation_count bigint",
}

ROWS = {
    "dim_businesses": """
        ('hotel', '酒店', '示例酒店管理有限公司', '91310000MA1K000B0X'),
        ('mall', '购物中心', '示例商业管理有限公司', '91310000MA1K000A0X'),
        ('parking', '停车场', '示例停车管理有限公司', '91310000MA1K000D0X')""",
    "dim_parties": """
        ('hotel', '酒店', '示例酒店管理有限公司', '91310000MA1K000B0X'),
        ('mall', '购物中心', '示例商业管理有限公司', '91310000MA1K000A0X'),
        ('parking', '停车场', '示例停车管理有限公司', '91310000MA1K000D0X'),
        ('fund', '集团积分基金', null, null)""",
    "dim_members": """
        ('M1', 'gold', '金卡', '2026-12-31', 5500, 500, '138****0001'),
        ('M2', 'basic', '普卡', null, 2500, 0, '139****0002')""",
    "dim_member_accounts": """
        ('pos', '00012', 'mall', 'M1', 'mobile', '2025-01-01'),
        ('pos', '=1+1', 'mall', 'M2', 'own', '2025-01-01'),
        ('pms', 'G7', 'hotel', 'M2', 'mobile', '2025-01-01'),
        ('gate', 'P9', 'parking', 'M1', 'plate', '2025-01-01')""",
    "dim_member_tiers": "('M1', 'gold', '金卡'), ('M2', 'basic', '普卡')",
    "fct_member_id_changes": "('pms', 'G7', '2026-01-15', null, 'M2', 'new')",
    "fct_points_entries": """
        ('e1', '2026-01-05', 'accrual', 10000, false, 'M1', 'mall', null),
        ('e2', '2026-01-15', 'accrual', 4000, false, 'M2', 'hotel', null),
        ('e3', '2026-01-15', 'redemption', 4500, false, 'M1', 'mall', 'parking'),
        ('e4', '2026-01-15', 'redemption', 1500, false, 'M2', 'hotel', 'parking')""",
    "fct_points_liability": """
        ('2026-01-01', 'mall', 0, 10000, 0, 4500, 0, 0, 0, 5500),
        ('2026-01-01', 'hotel', 0, 4000, 0, 1500, 0, 0, 0, 2500)""",
    "fct_tier_changes": """
        ('c1', '2026-01-15', 'M1', 'basic', 'gold', 'upgrade', false),
        ('c2', '2026-01-14', 'M2', 'gold', 'basic', 'downgrade', false)""",
    "fct_member_entitlements": """
        ('M1', 'mall_parking_hours', '商场免费停车时长', 'parking', 3, 'hour_per_day'),
        ('M1', 'mall_vip_lounge', '商场贵宾休息室', 'mall', 12, 'use_per_year')""",
    "fct_audience_members": """
        ('points_expiring', '积分即将过期', 'mall', 'M1', 500),
        ('sleeping', '沉睡会员', 'hotel', 'M2', 200)""",
    "fct_settlement_lines": """
        ('l1', 'e1', '2026-01-05', '2025-12-31', '2026-01-01', '2025-12-01', 'accrual', 'mall',
         'fund', 10000, 1000000, 10000, 0, false, 'pos', '00012', 'a1', 't1', 'r1', '=1+1.csv', 7),
        ('l2', 'e2', '2026-01-15', '2026-01-15', '2026-01-01', '2026-01-01', 'accrual', 'hotel',
         'fund', 4000, 1000000, 4000, 0, false, 'pms', 'G7', 'a2', 't2', 'r1', 'folios.jsonl', 1),
        ('l3', 'e3', '2026-01-15', '2026-01-15', '2026-01-01', '2026-01-01', 'redemption', 'fund',
         'parking', 4500, 800000, 3600, 0, false, 'gate', 'P9', 'a3', 't1', 'r2', 'pay.csv', 2),
        ('l4', 'e4', '2026-01-15', '2026-01-15', '2026-01-01', '2026-01-01', 'redemption', 'fund',
         'parking', 1500, 800000, 1200, 0, false, 'gate', 'P9', 'a3', 't2', 'r2', 'pay.csv', 2)""",
    "fct_settlement_statements": """
        ('2026-01-01', 'mall', 'accrual', 1, 10000, 0, 10000, -10000),
        ('2026-01-01', 'hotel', 'accrual', 1, 4000, 0, 4000, -4000),
        ('2026-01-01', 'parking', 'redemption', 2, 6000, 4800, 0, 4800),
        ('2026-01-01', 'fund', 'accrual', 2, 14000, 14000, 0, 14000),
        ('2026-01-01', 'fund', 'redemption', 2, 6000, 0, 4800, -4800)""",
    "fct_settlement_balances": """
        ('2026-01-01', 'mall', 0, 0, 10000, -10000),
        ('2026-01-01', 'hotel', 0, 0, 4000, -4000),
        ('2026-01-01', 'parking', 0, 4800, 0, 4800),
        ('2026-01-01', 'fund', 0, 14000, 4800, 9200)""",
    "fct_settlement_matrix": """
        ('2026-01-01', 'mall', 'parking', 4500, 3600),
        ('2026-01-01', 'hotel', 'parking', 1500, 1200)""",
    "fct_load_reconciliation": """
        ('2026-01-15', 'gate', 'payments', 'pay.csv', 5, 5, 0, 0, 5, null, true),
        ('2026-01-15', 'pos', 'sales', '=1+1.csv', 100, 97, 1, 2, 100, 123456, true)""",
    "fct_source_freshness": """
        ('gate', '2026-01-15', '2026-01-15'),
        ('pms', '2026-01-14', '2026-01-14'),
        ('pos', '2026-01-15', '2026-01-15')""",
    "fct_invariants": "('I1', '借贷相等', 4, 0), ('I3', '全体结算合计为零', 4, 0)",
}


def settings_of(lake: Path) -> Settings:
    """Settings of a lake in a test folder."""
    return Settings(lake, lake / "keys.json", lake / "rules", lake / "dbt_project", "1GB")


def publish_small(lake: Path, *changes: str) -> Settings:
    """Publish the example, after changing it with SQL statements, and return settings that find it."""
    folder = lake / "published" / VERSION
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        for table, columns in TABLES.items():
            connection.execute(f"create table {table} ({columns})")
            connection.execute(f"insert into {table} values {ROWS[table]}")
        for change in changes:
            connection.execute(change)
    manifest = {
        "version": VERSION,
        "business_date": BUSINESS_DATE.isoformat(),
        "run_key": RUN_KEY,
        "marts": [],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (lake / "published" / "current").symlink_to(VERSION)
    return settings_of(lake)


def close_small(settings: Settings) -> None:
    """Close January as the close step would."""
    balances = {"mall": (0, 10000), "hotel": (0, 4000), "parking": (4800, 0), "fund": (14000, 4800)}
    lines = {"mall": 1, "hotel": 1, "parking": 2, "fund": 4}
    rows = [
        {
            "period_month": date(2026, 1, 1),
            "party": party,
            "opening_fen": 0,
            "receivable_fen": receivable,
            "payable_fen": payable,
            "closing_fen": receivable - payable,
            "line_count": lines[party],
            "version": VERSION,
            "statement_no": f"JS-2026-01-{party.upper()}-v1",
        }
        for party, (receivable, payable) in balances.items()
    ]
    write_parquet(pa.Table.from_pylist(rows), Lake(settings.lake).close("2026-01"))
