"""封面, the cover of a statement: who, when, from what, how much, what was checked, who signs."""

from typing import Any

from exports.catalogue import Catalogue
from exports.money import yuan
from exports.months import month_text
from exports.statements.balances import MERCHANT, OUTSIDE
from exports.statements.figures import MonthFigures, PartyFigures
from exports.statements.header import NOBODY, Header
from exports.statements.sheets import AMBER, GREEN, GREY, NAVY, Page, write_value

TICK = "✓"
DIGITS = 12  # of a digest, enough to compare by eye; the manifest has all of them
RULES_SHOWN, RULES_A_LINE = 12, 4
MERCHANTS_SHOWN = 10
WIDTHS = (16, 18, 37, 3, 18, 22, 37)
RIGHT = 4  # the first column of the right half
VALUE_WIDTH = 37  # characters that fit into a value's cell
Item = tuple[str, str, str, Any]  # label, field, kind, value


def write_cover(
    page: Page, header: Header, figures: PartyFigures, month: MonthFigures, catalogue: Catalogue
) -> None:
    """Write the cover onto an empty page."""
    page.sheet.fit_to_pages(1, 1)
    for index, width in enumerate(WIDTHS):
        page.sheet.set_column(index, index, width)
    colour = AMBER if header.is_draft else GREEN
    stamp = page.styles.get(bold=True, font_size=18, font_color=colour, align="right")
    title = page.styles.get(bold=True, font_size=20, font_color=NAVY)
    page.sheet.set_row(0, 36)
    page.sheet.write_string(
        0, 0, f"{figures.party.statement_name}　{figures.party.party_name}", title
    )
    page.sheet.write_string(0, len(WIDTHS) - 1, header.status, stamp)
    page.row = 2
    left = document_items(header, figures, month, catalogue)
    right = amount_items(header, figures, catalogue)
    for left_item, right_item in zip(left, right, strict=True):
        _write_items(page, left_item, right_item)
    page.row += 1
    _write_counterparties(page, figures)
    _write_rules(page, figures.lines.rule_ids)
    _write_checks(page, figures, month)
    _write_signatures(page, header)


def document_items(
    header: Header, figures: PartyFigures, month: MonthFigures, catalogue: Catalogue
) -> list[Item]:
    """What the statement is and which days it covers."""
    terms, lines = catalogue.statement, figures.lines
    return [
        ("结算单号", "statement_no", "text", header.statement_no),
        ("版本", "statement_version", "text", f"v{header.statement_version}"),
        ("替代单号", "supersedes_no", "text", header.supersedes_no or NOBODY),
        ("状态", "status", "text", header.status),
        ("会计期间", "period", "text", month_text(month.period_month)),
        ("起始入账日", "from_date", "date", header.from_date),
        ("截止入账日", "to_date", "date", header.to_date),
        ("最早营业日", "first_business_date", "date", lines.first_business_date),
        ("最晚营业日", "last_business_date", "date", lines.last_business_date),
        ("数据截止", "cutoff_date", "date", header.cutoff_date),
        ("含暂估", "is_provisional", "text", "是（未关账）" if header.is_draft else "否"),
        ("缺数来源", "missing_sources", "text", "、".join(header.missing_sources) or "无"),
        ("时区", "time_zone", "text", terms.time_zone),
        ("币种 / 单位", "currency", "text", f"{terms.currency} / {terms.unit}"),
        ("规则版本", "rules_version", "text", header.made.rules_version[:DIGITS]),
        ("代码版本", "code_version", "text", header.made.code_version[:DIGITS]),
        ("生成批次", "run_key", "text", header.run_key),
        ("发布版本", "version", "text", header.version),
        ("收付款笔数", "payment_count", "count", len(figures.payments)),
    ]


def amount_items(header: Header, figures: PartyFigures, catalogue: Catalogue) -> list[Item]:
    """Whose it is and how much."""
    party, balance, lines = figures.party, figures.balance, figures.lines
    signed = header.signatures
    return [
        ("结算主体", "settlement_entity", "text", party.entity),
        ("主体代码", "party", "text", party.party),
        (
            "统一社会信用代码",
            "unified_social_credit_code",
            "text",
            party.unified_social_credit_code or "—",
        ),
        ("期初余额（元）", "opening_yuan", "yuan", balance.opening_fen),
        ("本期应收（元）", "receivable_yuan", "yuan", balance.receivable_fen),
        ("本期应付（元）", "payable_yuan", "yuan", balance.payable_fen),
        ("本期净额（元）", "net_yuan", "yuan", balance.net_fen),
        ("本期结算/付款（元）", "payments_yuan", "yuan", balance.payments_fen),
        ("期末余额（元）", "closing_yuan", "yuan", balance.closing_fen),
        ("明细行数", "line_count", "count", lines.line_count),
        ("明细合计（分）", "net_fen", "fen", balance.net_fen),
        ("分摊尾差（微分）", "rounding_micro_fen", "micro_fen", lines.rounding_micro_fen),
        ("方向约定", "sign", "text", catalogue.statement.sign),
        ("引用规则数", "rule_count", "count", len(lines.rule_ids)),
        ("明细文件", "detail_file", "text", header.detail_file or "见集市 fct_settlement_lines"),
        ("明细文件 SHA-256", "detail_sha256", "text", header.detail_sha256 or NOBODY),
        ("制表", "prepared_by", "text", str(signed.preparer or NOBODY)),
        ("复核", "reviewed_by", "text", str(signed.reviewer or NOBODY)),
        ("确认", "confirmed_by", "text", str(signed.confirmer or NOBODY)),
    ]


def _write_items(page: Page, left: Item, right: Item) -> None:
    """One row of the cover: an item on the left, one on the right; long values wrap."""
    rule = {"bottom": 1, "bottom_color": "#D9D9D9"}
    rows_needed = 1
    for first, (label, field, kind, value) in ((0, left), (RIGHT, right)):
        if kind == "text":
            rows_needed = max(rows_needed, -(-_display_width(str(value)) // VALUE_WIDTH))
        bold = kind == "yuan" or field in ("statement_no", "status", "settlement_entity")
        name = page.styles.get(font_color=NAVY, **rule)
        small = page.styles.get(font_color=GREY, font_size=8, **rule)
        style = page.styles.value(kind, bold=bold, text_wrap=kind == "text", **rule)
        if kind == "date":
            style = page.styles.get(num_format="yyyy-mm-dd", align="left", indent=1, **rule)
        page.sheet.write_string(page.row, first, label, name)
        page.sheet.write_string(page.row, first + 1, field, small)
        write_value(page.sheet, page.row, first + 2, kind, value, style)
    page.sheet.set_row(page.row, max(19, 15 * rows_needed))
    page.row += 1


def _write_counterparties(page: Page, figures: PartyFigures) -> None:
    """With whom: legal entity and code, one a row; many merchants are one row, or the cover would
    have to be read with a lens.
    """
    page.heading("对方主体")
    plain = page.styles.get()
    merchants = [each for each in figures.counterparties if each.party_kind == MERCHANT]
    are_many = len(merchants) > MERCHANTS_SHOWN
    for party in figures.counterparties:
        if are_many and party in merchants:
            continue
        code = party.unified_social_credit_code or "—"
        page.sheet.write_string(page.row, 0, party.party_name, plain)
        page.sheet.write_string(page.row, 1, party.party, page.styles.get(font_color=GREY))
        page.sheet.write_string(page.row, 2, party.entity, page.styles.value("text"))
        page.sheet.write_string(page.row, RIGHT, f"统一社会信用代码　{code}", plain)
        page.row += 1
    if are_many:
        page.line(f"商户 {len(merchants)} 家，逐家见“往来对照”", font_color=GREY)
    if not figures.counterparties:
        page.line("本期无往来", font_color=GREY)
    page.row += 1


def _write_rules(page: Page, rule_ids: tuple[str, ...]) -> None:
    """The rule versions that the lines cite; each line names its own in 明细."""
    page.heading("引用规则")
    for first in range(0, min(len(rule_ids), RULES_SHOWN), RULES_A_LINE):
        page.line("　".join(rule_ids[first : first + RULES_A_LINE]), font_color=GREY, font_size=9)
    if len(rule_ids) > RULES_SHOWN:
        page.line(f"等 {len(rule_ids)} 条，逐行见明细“规则编号”", font_color=GREY, font_size=9)
    page.row += 1


def checks_of(figures: PartyFigures, month: MonthFigures) -> list[tuple[str, str]]:
    """What was checked, and with which figures. Those that fail one never get here: reading them
    raises.
    """
    balance = figures.balance
    opening = yuan(balance.opening_fen)
    receivable, payable = yuan(balance.receivable_fen), yuan(balance.payable_fen)
    net_of_all = sum(item.net_fen for item in month.balances)
    paid_by_all = sum(item.payments_fen for item in month.balances)
    net, paid, closing = map(yuan, (balance.net_fen, balance.payments_fen, balance.closing_fen))
    checks = [
        (
            "汇总 = 明细 = 余额",
            f"应收 {receivable}，应付 {payable}，共 {figures.lines.line_count:,} 行",
        ),
        ("期初 + 净额 + 结算/付款 = 期末", f"{opening} + {net} + {paid} = {closing}"),
        ("期初 = 上期期末", opening),
        (
            "全体合计 = 0",
            f"{len(month.balances)} 方净额合计 {net_of_all} 分，结算/付款合计 {paid_by_all} 分",
        ),
    ]
    if figures.party.party_kind not in OUTSIDE:
        text = "各批次期初与变动之和等于期末，且与积分分录一致，见“积分负债”"
        checks.append(("积分负债滚动平衡", text))
    return checks


def _write_checks(page: Page, figures: PartyFigures, month: MonthFigures) -> None:
    """The boxes."""
    page.heading("核对")
    for name, text in checks_of(figures, month):
        ticked = page.styles.get(font_color=GREEN, bold=True)
        page.sheet.write_string(page.row, 0, f"{TICK} {name}", ticked)
        page.sheet.write_string(page.row, 2, text, page.styles.value("text", font_color=GREY))
        page.row += 1
    page.row += 1


def _write_signatures(page: Page, header: Header) -> None:
    page.sheet.set_row(page.row, 32)
    under = page.styles.get(bottom=1)
    signed = header.signatures
    labels = {
        0: f"制表 / 日期：{signed.preparer or ''}",
        2: f"　复核 / 日期：{signed.reviewer or ''}",
        RIGHT: f"确认 / 日期：{signed.confirmer or ''}",
    }
    for index in range(len(WIDTHS)):
        page.sheet.write_string(page.row, index, labels.get(index, ""), under)
    page.row += 1


def _display_width(text: str) -> int:
    """Columns that a text takes on screen; a Chinese character takes two."""
    return sum(2 if ord(character) > 0x2E80 else 1 for character in text)
