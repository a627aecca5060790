"""What a member's balance was, or was thought to be, by business date and by what was known."""

from collections.abc import Iterator
from datetime import date

from exports.explain.asked import Asked, Row
from exports.explain.words import ENTRY_WORDS

ITEMS = {"account_joined": "账户并入 account joined", "account_left": "账户转出 account left"}
LISTED = 50

BALANCE = "select * from points_balances_as_of(?, ?) where member_id = ?"
TIER = "select tier from member_tiers_as_of(?, ?) where member_id = ?"
LOTS = """
select l.*, any_value(e.expires_on_date) as expires_on_date,
    min(e.business_date) as earned_on_date, any_value(e.rule_id) as rule_id
from points_lots_as_of(?, ?) l
join fct_points_entries e on e.lot_id = l.lot_id and e.to_party = 'member'
where l.member_id = ?
group by all
order by expires_on_date nulls last, earned_on_date, l.lot_id
"""
DIFFERENCES = f"""
select *, {ENTRY_WORDS} as explanation from points_differences(?, ?, ?) where member_id = ?
order by posted_date, business_date nulls first, entry_type, activity_id, balance_points
"""


def explain_balance(asked: Asked, member: str, on_date: date, known_date: date) -> Iterator[str]:
    """Lines: balance and lots on a date as known on a night, and what was learned since."""
    dates = [on_date, known_date]
    then = asked.first(BALANCE, [*dates, member])
    yield f"会员 {member}: {on_date} 的积分, 按 {known_date} 夜间所知 as known after that night"
    if then is None:
        yield "  当时还没有这位会员 no such member was known then"
    else:
        yield (
            f"  余额 balance {then['balance_points']:,} = 批次 in lots {then['points_in_lots']:,}"
            f" - 欠分 debt {then['debt_points']:,}"
        )
        [tier] = asked.rows(TIER, [*dates, member])
        yield f"  等级 tier {tier['tier'] or '最低等级 lowest'}"
        yield from _lots(asked.rows(LOTS, [*dates, member]))
    if known_date < asked.night:
        yield from _since(asked, member, on_date, known_date, then)


def _lots(lots: list[Row]) -> Iterator[str]:
    for lot in lots[:LISTED]:
        until = lot["expires_on_date"] or "长期 no end"
        how = "期初 opened" if lot["lot_id"].startswith("opening/") else "得 earned"
        yield (
            f"    {lot['remaining_points']:>9,}  {lot['issuer_business']} {lot['earned_on_date']}"
            f" {how}, 有效至 until {until}  规则 {lot['rule_id']}  批次 {lot['lot_id']}"
        )
    if len(lots) > LISTED:
        yield f"    … 另有 {len(lots) - LISTED} 批 more lots"


def _since(
    asked: Asked, member: str, on_date: date, known_date: date, then: Row | None
) -> Iterator[str]:
    now = asked.first(BALANCE, [on_date, asked.night, member])
    items = asked.rows(DIFFERENCES, [on_date, known_date, asked.night, member])
    before = then["balance_points"] if then else 0
    after = now["balance_points"] if now else 0
    yield (
        f"按 {asked.night} 夜间所知, 当日余额为 {after:,} known today;"
        f" 差异 difference {after - before:+,}"
    )
    for item in items[:LISTED]:
        what = ITEMS.get(item["item"]) or (
            f"{item['explanation']} {item['business_date']} 活动 {item['activity_id']}"
        )
        account = f"{item['source']}:{item['account_id']}"
        points, posted = item["balance_points"], item["posted_date"]
        yield f"    {points:>+9,}  {posted} 入账 posted  {what}  {account}"
    if len(items) > LISTED:
        yield f"    … 另有 {len(items) - LISTED} 项 more items"
