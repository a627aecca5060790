"""A member at the service desk: accounts, tier, balance, and every lot with where it came from."""

from collections.abc import Iterator
from datetime import timedelta

from exports.explain.asked import Asked, Row

LISTED = 30
ALL = 10**9

ACCOUNTS = """
select * from dim_member_accounts where member_id = ? order by source, account_id
"""
LOTS = """
select l.*, o.rule, o.rule_id, o.base_points, o.business_multiplier_percent, o.tier,
    o.tier_multiplier_percent, o.clipped_points, o.rule_source, o.tier_rule_id, o.tier_rule_source,
    a.document_no
from fct_points_lots l
left join (
    select lot_id, any_value(activity_id) as activity_id, any_value(rule_id) as rule_id
    from fct_points_entries
    where entry_type in ('accrual', 'pending', 'opening_balance')
    group by lot_id
) e on e.lot_id = l.lot_id
left join explained_outcomes o on o.activity_id = e.activity_id and o.rule_id = e.rule_id
left join fct_activities a on a.activity_id = e.activity_id
where l.member_id = ?
order by l.remaining_points + l.pending_points = 0, l.expires_on_date nulls last,
    l.earned_on_date, l.lot_id
"""
MOVEMENTS = """
select * from explained_entries where member_id = ?
order by posted_date desc, business_date desc, entry_type, lot_id, points
limit ?
"""
TIER_CHANGES = """
select * from explained_tier_changes
where member_id = ?
order by effective_date, change_number, posted_date
"""
PROGRESS = """
select * from fct_tier_progress
where member_id = ?
order by purpose desc, way_number, group_number, metric, at_least
"""
MISSIONS = """
select * from fct_member_missions
where member_id = ? and status = 'open'
order by valid_until_date, mission_id
"""


def explain_member(asked: Asked, member: str, is_all: bool) -> Iterator[str]:
    """Lines about one member; is_all: lots used up and every movement, too."""
    [balance] = asked.rows("select * from fct_points_balances where member_id = ?", [member])
    [tier] = asked.rows("select * from dim_member_tiers where member_id = ?", [member])
    yield f"会员 {member}, {asked.night} 夜间之后 after the night of {asked.night}"
    for account in asked.rows(ACCOUNTS, [member]):
        yield f"  账户 account {account['source']}:{account['account_id']}"
    yield from _tier(tier, asked.rows(TIER_CHANGES, [member]))
    yield from (_progress(line) for line in asked.rows(PROGRESS, [member]))
    yield from (_mission(mission) for mission in asked.rows(MISSIONS, [member]))
    yield (
        f"积分余额 balance {balance['balance_points']:,} = 累计发放 issued"
        f" {balance['issued_points']:,} - 使用 redeemed {balance['redeemed_points']:,}"
        f" - 过期 expired {balance['expired_points']:,} - 扣回 clawed back"
        f" {balance['clawed_back_points']:,}; 其中欠分 debt {balance['debt_points']:,}"
        f"; 待生效 pending {balance['pending_points']:,}, 不在余额内 apart"
    )
    lots = asked.rows(LOTS, [member])
    held = [lot for lot in lots if lot["remaining_points"] or lot["pending_points"]]
    shown = lots if is_all else held[:LISTED]
    open_count = sum(lot["remaining_points"] > 0 for lot in lots)
    yield f"批次 lots: {len(lots)}, 剩余 with points left {open_count}"
    yield from (_lot(lot) for lot in shown)
    yield "最近变动 latest movements:"
    for entry in asked.rows(MOVEMENTS, [member, ALL if is_all else LISTED]):
        yield (
            f"  {entry['posted_date']}  {entry['explanation']}"
            f" {entry['points']:,}  {entry['business_date']}"
            f"  批次 {entry['lot_id'] or '–'}  规则 {entry['rule_id']}"
        )


def _tier(tier: Row, changes: list[Row]) -> Iterator[str]:
    since = tier["valid_from_date"] or "入会"
    yield f"等级 tier {tier['tier_name']} ({tier['tier']}), 自 since {since}"
    for change in changes:
        yield (
            f"    {change['effective_date']}  {change['explanation']}"
            f" {change['from_tier']} → {change['to_tier']}, 依据 by {change['growth_value']:,}"
        )


def _progress(line: Row) -> str:
    """One line of what the next tier asks, or what the tier held asks to be kept."""
    goal = "升级 to reach" if line["purpose"] == "reach" else "保级 to keep"
    by = f", 于 judged on {line['judged_on_date']}" if line["purpose"] == "keep" else ""
    return (
        f"    {goal} {line['tier_name']}{by}: 方式 way {line['way_number']}"
        f"-{line['group_number']} (需 needs {line['needed_count']})"
        f" {line['metric_name']} {line['metric_value']:,} / {line['at_least']:,},"
        f" 还差 missing {line['missing_value']:,}"
    )


def _mission(mission: Row) -> str:
    return (
        f"任务 mission {mission['mission_name']}, {mission['valid_from_date']} 至 through"
        f" {mission['valid_until_date'] - timedelta(days=1)}: {mission['progress_value']:,} /"
        f" {mission['target_value']:,} → {mission['target_tier']}"
    )


def _lot(lot: Row) -> str:
    how = f"规则 {lot['rule_id']}"
    if lot["business_multiplier_percent"] is not None:
        how += (
            f": 基础 {lot['base_points']:,} × {lot['business_multiplier_percent']}%"
            f" × {lot['tier']} {lot['tier_multiplier_percent']}%"
        )
    if lot["clipped_points"]:
        how += f", 封顶扣减 {lot['clipped_points']:,}"
    how += f", 依据 {lot['rule_source'] or '–'}"
    if lot["tier_rule_id"] is not None:
        how += f"; 等级规则 {lot['tier_rule_id']}, 依据 {lot['tier_rule_source']}"
    if lot["pending_points"]:
        how += f"; 待生效 pending {lot['pending_points']:,}, {lot['release_on_date']} 生效 released"
    return (
        f"  {lot['remaining_points']:>9,} / {lot['issued_points']:,}  {lot['issuer_business']}"
        f" {lot['document_no'] or ''} {lot['earned_on_date']}, 有效至"
        f" {lot['expires_on_date'] or '长期'}  {how}"
    )
