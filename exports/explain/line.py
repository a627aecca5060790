"""Where one line of a statement comes from: its money, posting, rules with the clauses that they
lean on, activity, file and row.
"""

from collections.abc import Iterator

from exports.catalogue import read_catalogue
from exports.closes.totals import closes_of
from exports.explain.asked import Asked, Row
from exports.money import fen, yuan
from ingest.core.errors import Problem
from ingest.core.lake import Lake

LINE = """
select lines.*, payer.party_name as payer_name, payee.party_name as payee_name
from fct_settlement_lines as lines
left join dim_parties as payer on lines.payer_party = payer.party
left join dim_parties as payee on lines.payee_party = payee.party
where lines.line_id = ?
"""
ENTRY = "select * from explained_entries where entry_id = ?"
RULES = "select * from dim_rules where rule_id in (select unnest(?)) order by rule_id"
ACTIVITY = "select * from fct_activities where activity_id = ?"
ISSUED = """
select a.*, e.entry_type, e.rule_id as award_rule_id
from fct_points_entries as e
left join fct_activities as a on e.activity_id = a.activity_id
where e.lot_id = ? and e.entry_type in ('accrual', 'pending', 'opening_balance')
    and not e.is_reversal
order by e.posted_date, e.entry_id
limit 1
"""
CORRECTED = "select * from settlement_adjustments where line_id = ?"


def explain_line(asked: Asked, lake: Lake, line_id: str) -> Iterator[str]:
    """Lines about one settlement line; Problem if there is none of that id."""
    line = settlement_line(asked, line_id)
    yield from _money(line)
    yield from _statements(lake, line)
    entries = asked.rows(ENTRY, [line["entry_id"]]) if line["entry_id"] else []
    yield from (_entry(entry) for entry in entries)
    yield from _rules(asked, line["rule_id"].split() if line["rule_id"] else [])
    yield from _lot(asked, line)
    yield from _activity(asked, line)
    yield from _correction(asked, line)


def settlement_line(asked: Asked, line_id: str) -> Row:
    """The settlement line of an id; Problem if there is none."""
    line = asked.first(LINE, [line_id])
    if line is None:
        raise Problem(
            f"no settlement line {line_id} in the night of {asked.night}; statements name it in "
            "the column 结算行号 line_id"
        )
    return line


def statement_numbers(lake: Lake, line: Row) -> dict[str, str | None]:
    """By party, the frozen statement of the month for which a line counts, in its newest version;
    None while the month is not frozen.
    """
    parties = (line["payer_party"], line["payee_party"])
    newest = {
        row["party"]: row["statement_no"]
        for _, _, rows in closes_of(lake)
        for row in rows
        if row["period_month"] == line["period_month"] and row["party"] in parties
    }
    return {party: newest.get(party) for party in parties}


def _money(line: Row) -> Iterator[str]:
    names = read_catalogue()
    movement = names.label("movement_type", line["movement_type"])
    reversed_ = ""
    if line["is_reversal"]:
        reason = names.label("reversal_reason", line["reversal_reason"])
        reversed_ = f"冲正 reversed, {reason} ({line['reversal_reason']}): "
    yield (
        f"{reversed_}{movement} ({line['movement_type']}): "
        f"{line['payer_name'] or line['payer_party']} 付 pays "
        f"{line['payee_name'] or line['payee_party']} ¥{yuan(line['amount_fen'])}"
    )
    price = line["unit_price_micro_fen"]
    if price is not None and line["points"] is not None:
        yield (
            f"  {line['points']:,} 积分 points × {fen(price)} 分 fen ="
            f" {fen(line['points'] * price)} 分, 尾差 rounding {fen(line['rounding_micro_fen'])} 分"
            f" → {line['amount_fen']:,} 分"
        )
    treatment = names.label("tax_treatment", line["tax_treatment"])
    yield (
        f"  含税 with tax of {line['tax_per_mille'] / 10:g}% {treatment}: 不含税 without"
        f" ¥{yuan(line['ex_tax_fen'])}, 税额 tax ¥{yuan(line['tax_fen'])}"
    )
    yield (
        f"  营业日 of {line['business_date']}, 入账 posted {line['posted_date']}, 计入 counts for"
        f" {line['period_month']:%Y-%m} (原期间 of {line['origin_month']:%Y-%m})"
    )


def _statements(lake: Lake, line: Row) -> Iterator[str]:
    for party, number in statement_numbers(lake, line).items():
        yield f"  结算单 statement of {party}: {number or '未关账 not closed yet'}"


def _entry(entry: Row) -> str:
    account = f"{entry['source']}:{entry['account_id']}"
    return (
        f"分录 entry {entry['entry_id']}: {entry['explanation']} {entry['points']:,}"
        f"  {entry['from_party']} → {entry['to_party']}  账户 account {account}"
        f"  会员 member {entry['member_id'] or '–'}"
    )


def _rules(asked: Asked, rule_ids: list[str]) -> Iterator[str]:
    known = {rule["rule_id"]: rule for rule in asked.rows(RULES, [rule_ids])}
    for rule_id in rule_ids:
        rule = known.get(rule_id)
        if rule is None:
            yield f"规则 rule {rule_id}: 无说明 not described"
            continue
        until = rule["valid_until_date"] or "长期 no end"
        yield (
            f"规则 rule {rule_id} {rule['rule_name'] or ''}: 自 from {rule['valid_from_date']}"
            f" 至 until {until}; 依据 by {rule['source']}; 批准 approved by {rule['approved_by']}"
        )


def _lot(asked: Asked, line: Row) -> Iterator[str]:
    """Who issued the points that were moved, and for which order."""
    for issued in asked.rows(ISSUED, [line["lot_id"]]) if line["lot_id"] else []:
        yield (
            f"批次 lot {line['lot_id']}: {line['issuer_business']} 发放 issued for"
            f" {issued['activity_type'] or '–'} {issued['document_no'] or '–'}"
            f" {issued['business_date'] or ''}, 规则 rule {issued['award_rule_id']}"
        )


def _activity(asked: Asked, line: Row) -> Iterator[str]:
    for activity in asked.rows(ACTIVITY, [line["activity_id"]]):
        yield (
            f"活动 activity {activity['activity_id']}: {activity['business']}"
            f" {activity['activity_type']} {activity['document_no']}"
            f" 实付 paid ¥{yuan(activity['paid_fen'] or 0)}, 门店 unit {activity['unit_id'] or '–'}"
        )
    yield f"来源 source {line['source']}: {line['source_file']}, 行 row {line['source_row']}"


def _correction(asked: Asked, line: Row) -> Iterator[str]:
    for late in asked.rows(CORRECTED, [line["line_id"]]):
        names = read_catalogue()
        corrects = names.label("corrects", late["corrects"])
        settled = names.label("settled_as", late["settled_as"])
        original = "–"
        if late["corrected_line_id"]:
            original = (
                f"{late['corrected_line_id']} ({late['corrected_period_month']:%Y-%m},"
                f" ¥{yuan(late['corrected_amount_fen'])})"
            )
        said = f"{settled}, {corrects} ({late['corrects']})"
        yield f"调整 late line: {said}; 原行 corrects {original}"
