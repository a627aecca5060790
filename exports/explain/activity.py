"""What one activity earned by each rule, or why nothing, and what became of its points."""

from collections.abc import Iterator

from exports.explain.asked import Asked, Row
from exports.money import yuan

OUTCOMES = """
select * from explained_outcomes where activity_id = ? order by rule <> 'base', rule
"""
ENTRIES = """
select * from explained_entries where activity_id = ?
order by posted_date, business_date, entry_type, lot_id, points
"""
REVERSED_BY = """
select * from fct_activities where reverses_activity_id = ? order by business_date, activity_id
"""
LOTS = """
select l.* from fct_points_lots l
where l.lot_id in (
    select lot_id from fct_points_entries
    where activity_id = ? and entry_type in ('accrual', 'pending', 'opening_balance')
)
order by l.lot_id
"""


def explain_activity(asked: Asked, named: str) -> Iterator[str]:
    """Lines about one activity."""
    activity = asked.activity(named)
    yield (
        f"{activity['business']} {activity['activity_type']} {activity['document_no']}"
        f"  {activity['business_date']}  {_amount(activity)}"
    )
    account = f"{activity['source']}:{activity['account_id']}" if activity["account_id"] else "–"
    yield f"  活动 activity {activity['activity_id']}  账户 account {account}"
    yield f"  会员 member {activity['member_id'] or '–'}"
    yield f"  来源 source {activity['source_file']}, 行 row {activity['source_row']}"
    yield "积分结果 outcomes:"
    for outcome in asked.rows(OUTCOMES, [activity["activity_id"]]):
        yield f"  {outcome['rule']}: {outcome['explanation']}"
        yield from _versions(outcome)
    yield from _entries(asked.rows(ENTRIES, [activity["activity_id"]]))
    yield from _lots(asked.rows(LOTS, [activity["activity_id"]]))
    for reversal in asked.rows(REVERSED_BY, [activity["activity_id"]]):
        yield (
            f"被冲回 reversed by {reversal['activity_type']} {reversal['document_no']}"
            f" {reversal['business_date']} ¥{yuan(reversal['paid_fen'])}"
        )


def _versions(outcome: Row) -> Iterator[str]:
    """By which documents the rule and, where its multiplier took part, the tier's rule say so."""
    for rule, label in (("rule", "规则"), ("tier_rule", "等级规则")):
        if outcome[f"{rule}_source"] is not None:
            yield (
                f"    {label} {outcome[f'{rule}_id']}:"
                f" 自 from {outcome[f'{rule}_valid_from_date']},"
                f" 依据 by {outcome[f'{rule}_source']},"
                f" 批准 approved by {outcome[f'{rule}_approved_by']}"
            )


def _amount(activity: Row) -> str:
    if activity["activity_type"] != "opening_balance":
        return f"实付 paid ¥{yuan(activity['paid_fen'])}"
    return (
        f"旧系统余额 legacy balance {activity['points']:,}, "
        f"旧等级 legacy tier {activity['category'] or '–'}"
    )


def _entries(entries: list[Row]) -> Iterator[str]:
    yield "分录 entries:" if entries else "没有产生分录 no entries"
    for entry in entries:
        yield (
            f"  {entry['posted_date']} 入账 posted  {entry['explanation']}"
            f" {entry['points']:,}  {entry['from_party']} → {entry['to_party']}"
            f"  批次 {entry['lot_id'] or '–'}"
        )


def _lots(lots: list[Row]) -> Iterator[str]:
    for lot in lots:
        used = ", ".join(
            f"{label} {lot[name]:,}"
            for name, label in (
                ("redeemed_points", "已用"),
                ("expired_points", "过期"),
                ("clawed_back_points", "扣回"),
                ("repaid_points", "还欠"),
                ("remaining_points", "剩余"),
            )
        )
        yield (
            f"批次 lot {lot['lot_id']}: 发放 issued {lot['issued_points']:,} → {used};"
            f" 有效至 until {lot['expires_on_date'] or '长期'}"
        )
