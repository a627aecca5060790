"""One statement as an Excel workbook (QUALITY, the statement pack A to G).

The sheets are 封面 cover, 汇总 summary, 明细 detail, 收付款 payments, 积分负债 liability,
往来对照 matrix, 差异与悬账 exceptions and 调整 adjustments.
"""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

from exports.catalogue import Catalogue, ExportColumn
from exports.months import month_text
from exports.statements.adjustments import adjustments_of
from exports.statements.balances import AMOUNTS, OUTSIDE, balances_of_all, counterparties_of
from exports.statements.budgets import budgets_of
from exports.statements.cover import TICK, write_cover
from exports.statements.figures import PartyFigures, Row
from exports.statements.header import Header
from exports.statements.liability import ENTRY_TYPES, Liability, taken_by_cohort
from exports.statements.month import Month
from exports.statements.sheets import (
    AMBER,
    FONT,
    GREEN,
    GREY,
    NAVY,
    SUBTOTAL,
    Page,
    Rows,
    Styles,
    write_value,
)
from exports.statements.streamed import StreamedWorkbook, streamed_workbook

FUND = "fund"
CHECKED = ("opening_points", *ENTRY_TYPES, "closing_points")  # by cohort as by issuer
MATRIX_TOTAL_WIDTH = 22  # characters
HEADER_ROWS = 2  # of a table: label and field name


def write_workbook(
    path: Path,
    header: Header,
    figures: PartyFigures,
    month: Month,
    lines: Rows,
) -> None:
    """Write one party's statement to `path`; the same figures give the same bytes.

    Raises Problem if a column does not sum to the total it is shown with.
    """
    properties = {
        "title": f"{figures.party.statement_name} {header.statement_no}",
        "subject": figures.party.party_name,
        # The clock must not get into the bytes.
        "created": datetime.combine(header.cutoff_date, datetime.min.time()),
    }
    options = {"default_format_properties": dict(FONT)}
    with streamed_workbook(path, options) as workbook:
        workbook.xlsx.set_properties(properties)
        book = StatementBook(workbook, header, figures, month)
        write_cover(book.page("封面"), header, figures, month.figures, month.catalogue)
        book.write_summary()
        book.write_lines(lines)
        book.write_payments()
        book.write_liability()
        book.write_matrix()
        book.write_exceptions()
        book.write_adjustments()


def sheet_lines(header: Header, catalogue: Catalogue) -> int:
    """How many lines the workbook takes before it points to the CSV instead."""
    terms = catalogue.statement
    return terms.draft_sheet_lines if header.is_draft else terms.closed_sheet_lines


class StatementBook:
    """The tables of one statement, a sheet each."""

    def __init__(
        self,
        workbook: StreamedWorkbook,
        header: Header,
        figures: PartyFigures,
        month: Month,
    ) -> None:
        self._workbook = workbook
        self._styles = Styles(workbook)
        self._header = header
        self._figures = figures
        self._late = month
        self._month = month.figures
        self._catalogue = month.catalogue

    def page(self, name: str) -> Page:
        """A new sheet with the statement's number and page numbers at the foot."""
        header = self._header
        footer = f"&L{header.statement_no}　{header.status}&C第 &P 页，共 &N 页&R{header.version}"
        banner = "草稿　不作为付款依据" if header.is_draft else ""
        return Page(self._workbook, self._styles, name, footer, banner)

    def write_summary(self) -> None:
        """汇总: a row for each movement, then opening to closing, then the month as a chart."""
        page = self._titled("汇总", "汇总（按业务类型）", "元", "statement_summary")
        balance = self._figures.balance
        first = page.row + HEADER_ROWS
        page.table(
            self._columns("statement_summary"),
            self._figures.summary,
            {
                "line_count": self._figures.lines.line_count,
                "receivable_fen": balance.receivable_fen,
                "payable_fen": balance.payable_fen,
                "net_fen": balance.net_fen,
                **self._tax_totals(),
            },
        )
        page.row += 1
        page.heading("余额")
        page.head([("项目", "item"), ("金额（元）", "amount_yuan"), ("金额（分）", "amount_fen")])
        for label, fen, bold in (
            ("期初余额", balance.opening_fen, False),
            ("＋ 本期应收", balance.receivable_fen, False),
            ("－ 本期应付", balance.payable_fen, False),
            ("＝ 本期净额", balance.net_fen, True),
            ("＋ 本期结算/付款", balance.payments_fen, False),
            ("期末余额", balance.closing_fen, True),
        ):
            for index, (kind, value) in enumerate((("text", label), ("yuan", fen), ("fen", fen))):
                style = self._styles.cell(kind, bold=bold)
                write_value(page.sheet, page.row, index, kind, value, style)
            page.row += 1
        page.row += 1
        self._write_budgets(page)
        page.line(
            "期初 ＋ 本期净额 ＋ 本期结算/付款 ＝ 期末；结算/付款为正是本方付出，为负是本方收到，"
            "逐笔见“收付款”，逐户见“往来对照”。",
            font_color=GREY,
        )
        page.line(
            "应收积分、应付积分是应收行、应付行上的积分；冲正行计入原业务类型，方向与原行相反。",
            font_color=GREY,
        )
        page.line(
            "金额均含税；税额为正是本方开票的销项税额，为负是对方开票的进项税额。", font_color=GREY
        )
        page.sheet.fit_to_pages(1, 1)  # or the chart may be cut in two
        if self._figures.summary:
            self._draw_month(page, first, first + len(self._figures.summary) - 1)

    def _write_budgets(self, page: Page) -> None:
        """Campaign budgets that the party funds, takes the vouchers of, or bears the excess of."""
        own = self._figures.party.party
        names = {item.party.party: item.party.party_name for item in self._month.parties}
        rows = budgets_of(self._late.budgets, own, names)
        if not rows:
            return
        page.heading("活动预算")
        page.table(self._columns("statement_budgets"), rows, {}, is_held=False)
        page.line(
            "累计使用含超预算部分；超出的分由超预算承担方于月末退还出资方（业务类型：超预算分担）。",
            font_color=GREY,
        )
        page.row += 1

    def _tax_totals(self) -> dict[str, int]:
        """What the summary says of tax, which the detail has to say, too."""
        tax = sum(row["net_tax_fen"] for row in self._figures.summary)
        return {"net_tax_fen": tax, "net_ex_tax_fen": self._figures.balance.net_fen - tax}

    def _draw_month(self, page: Page, first: int, last: int) -> None:
        """The chart of the month: what is owed to and by the party, movement by movement."""
        columns = self._columns("statement_summary")
        chart = self._workbook.xlsx.add_chart({"type": "bar"})
        for name, colour in (("receivable_fen", NAVY), ("payable_fen", AMBER)):
            index = next(i for i, column in enumerate(columns) if column.column == name)
            chart.add_series(
                {
                    "name": columns[index].label,
                    "categories": [page.name, first, 0, last, 0],
                    "values": [page.name, first, index, last, index],
                    "fill": {"color": colour},
                    "gap": 60,
                }
            )
        font = {"name": FONT["font_name"], "size": 9}
        chart.set_title({"name": "本期应收与应付（元）", "name_font": {**font, "size": 11}})
        chart.set_legend({"position": "bottom", "font": font})
        chart.set_x_axis({"num_format": "#,##0", "num_font": font})
        chart.set_y_axis({"reverse": True, "num_font": font})
        chart.set_size({"width": 960, "height": 110 + 42 * (last - first + 1)})
        page.sheet.insert_chart(page.row + 1, 0, chart)

    def write_lines(self, lines: Rows) -> None:
        """明细: every line, or where to find them if there are too many for a sheet."""
        page = self._titled("明细", "明细", "元", "statement_lines")
        columns = self._columns("statement_lines")
        balance, facts = self._figures.balance, self._figures.lines
        limit = sheet_lines(self._header, self._catalogue)
        totals = {
            "receivable_fen": balance.receivable_fen,
            "payable_fen": balance.payable_fen,
            "net_fen": balance.net_fen,
            **self._tax_totals(),
            "rounding_micro_fen": facts.rounding_micro_fen,
        }
        if facts.line_count > limit:
            where = self._header.detail_file or "集市 fct_settlement_lines（草稿不附明细文件）"
            note = (
                f"本期共 {facts.line_count:,} 行，超过本表上限 {limit:,} 行，只列合计；全部明细："
            )
            page.line(note + where, bold=True, font_color=AMBER)
            page.row += 1
            page.head([(column.label, column.field) for column in columns])
            page.total(columns, totals)
        else:
            page.table(columns, lines, totals)
        page.print_only(columns)

    def write_payments(self) -> None:
        """收付款: each payment that counts for the month, and those taken back."""
        page = self._titled("收付款", "收付款", "元", "statement_payments")
        names = {item.party.party: item.party.party_name for item in self._month.parties}
        rows = [
            {**row, "counterparty_name": names.get(row["counterparty"], row["counterparty"])}
            for row in self._figures.payments
        ]
        self._write_some(page, "statement_payments", rows, "本期无收付款")

    def write_liability(self) -> None:
        """积分负债: roll-forward of a business's own points by month of issue; of all for the fund.
        Nobody else has issued any, and sees none.
        """
        page = self._titled("积分负债", "积分负债变动（按发放批次）", "积分", "statement_liability")
        party, liability = self._figures.party, self._month.liability
        if party.party in self._month.businesses:
            liability = liability.of(party.party)
        elif party.party_kind != FUND:
            page.line("本主体不发行积分", font_color=GREY)
            return
        is_of_many = len(liability.issuers) > 1
        stated = {
            column: sum(row[column] for row in liability.issuers)
            for column in (*CHECKED, "closing_fen")
        }
        by = "issuer_business" if is_of_many else None
        page.table(self._columns("statement_liability"), liability.cohorts, stated, subtotals_by=by)
        page.line(
            "期初 ＋ 发放 ＋ 退还恢复 － 核销 － 过期 － 扣回 － 偿还透支 ＋ 续期净转入 ＝ 期末；"
            "到期积分是期末积分中统计日后若干天内到期的部分；并户不移动批次，转入转出为零。",
            font_color=GREY,
        )
        if self._header.statement_version > 1:
            page.line("积分负债按入账月滚动，重述只改变金额行的归属。", font_color=GREY)
        page.row += 1
        if not is_of_many:
            self._write_values(page, liability, stated, None)
            self._write_takers(page, liability)
        self._write_ledger_check(page, liability)
        page.on_one_page()
        if is_of_many:  # each with a header that is repeated on its own pages
            page = self._titled("积分负债金额", "积分负债金额", "元", "statement_liability_value")
            self._write_values(page, liability, stated, by)
            page = self._titled("核销去向", "核销去向", "积分", "statement_liability")
            self._write_takers(page, liability)

    def _write_values(
        self, page: Page, liability: Liability, stated: dict[str, int], by: str | None
    ) -> None:
        """The same cohorts in yuan."""
        page.heading(
            "金额（元）：积分 × 统计日每积分价值；重估是单价变动，尾差是各项分别取整到分之差"
        )
        columns = self._columns("statement_liability_value")
        page.table(columns, liability.cohorts, stated, is_held=by is not None, subtotals_by=by)
        page.row += 1

    def _write_takers(self, page: Page, liability: Liability) -> None:
        """Where the points of each cohort were taken, with totals."""
        page.heading("核销去向（积分）：行为发行业态与发放批次，列为受理业态")
        takers = self._with_businesses(row["redeemer_business"] for row in liability.taken)
        fields = [
            ("发行业态", "issuer_name"),
            ("业态代码", "issuer_business"),
            ("发放批次", "month"),
        ]
        names = [(self._business_name(code), code) for code in takers]
        top = page.row
        page.head([*fields, *names, ("合计", "redeemed_points")])
        totals = [0] * len(takers)
        by_issuer = groupby(
            taken_by_cohort(liability, takers), lambda taken: taken[0]["issuer_business"]
        )
        for _, cohorts in by_issuer:
            sums, name = [0] * len(takers), ""
            for cohort, points in cohorts:
                name = cohort["issuer_name"]
                keys = (name, cohort["issuer_business"], cohort["issue_month"])
                sums = [total + more for total, more in zip(sums, points, strict=True)]
                self._write_points(page, keys, points, bold=False)
            if len(liability.issuers) > 1:
                self._write_points(page, (f"{name} {SUBTOTAL}", "", None), sums, bold=True)
            totals = [total + more for total, more in zip(totals, sums, strict=True)]
        self._write_points(page, ("合计", "", None), totals, bold=True)
        if len(liability.issuers) > 1:
            page.hold_header(top, len(fields) + len(names) + 1, page.row - 2)
        page.row += 1

    def _write_points(
        self, page: Page, keys: tuple[str, str, date | None], points: list[int], bold: bool
    ) -> None:
        """One row of 核销去向 with its total."""
        for index, (kind, key) in enumerate(zip(("text", "text", "month"), keys, strict=True)):
            style = self._styles.cell(kind, bold=bold)
            write_value(page.sheet, page.row, index, kind, key, style)
        for index, value in enumerate([*points, sum(points)], start=len(keys)):
            style = self._styles.cell("points", bold=bold or index == len(keys) + len(points))
            write_value(page.sheet, page.row, index, "points", value, style)
        page.row += 1

    def _write_ledger_check(self, page: Page, liability: Liability) -> None:
        """The sheet beside the ledger, and what members owe beyond their points."""
        page.heading("核对：本表与积分分录")
        rows = [
            {**row, "movement_name": self._catalogue.label("liability", row["movement"])}
            for row in liability.against_ledger()
        ]
        page.table(self._columns("statement_liability_ledger"), rows, {}, is_held=False)
        owed = sum(row["debt_points"] or 0 for row in liability.issuers)
        page.line(f"{self._catalogue.label('liability', 'debt_points')}：{owed:,} 积分，不在批次内")
        page.line(
            f"{TICK} 期初 ＋ 变动 ＝ 期末　{TICK} 批次合计 ＝ 业态合计　{TICK} 本表 ＝ 积分分录",
            bold=True,
            font_color=GREEN,
        )

    def write_matrix(self) -> None:
        """往来对照: whose points were taken where, and every party's month, which sums to 0. A
        merchant or an outside funder sees what lies between itself and others, and no more.
        """
        page = self._titled("往来对照", "往来对照", "元", "statement_balances")
        if self._figures.party.party_kind in OUTSIDE:
            self._write_flows(page)
            return
        self._write_redemptions(page)
        self._write_flows(page)
        page.row += 1
        page.heading("全体各方：净额合计必须为 0")
        page.table(
            self._columns("statement_balances"),
            balances_of_all(self._month),
            {"opening_fen": 0, "net_fen": 0, "payments_fen": 0, "closing_fen": 0},
            is_held=False,
        )
        page.line(f"{TICK} 全体合计 = 0", bold=True, font_color=GREEN)
        page.on_one_page()

    def _write_redemptions(self, page: Page) -> None:
        """The matrices of issuers (rows) and redeemers (columns), in points and in yuan."""
        for heading, unit, kind in (
            ("核销往来（积分）", "points", "points"),
            ("核销往来（元）", "fen", "yuan"),
        ):
            page.heading(f"{heading}：行为发行业态，列为受理业态")
            cells = {
                (row["issuer_business"], row["redeemer_business"]): row[unit]
                for row in self._month.matrix
            }
            self._write_redemption(page, cells, kind)
            page.row += 1

    def _write_redemption(self, page: Page, cells: dict[tuple[str, str], int], kind: str) -> None:
        """One matrix with its totals; every net together is 0."""
        takers = self._with_businesses(taker for _, taker in cells)
        issuers = self._with_businesses(code for pair in cells for code in pair)
        for index in (len(takers) + 1, len(takers) + 2):
            page.widen(index, MATRIX_TOTAL_WIDTH)
        page.head(
            [
                ("发行 ＼ 受理", "issuer / redeemer"),
                *((self._business_name(code), code) for code in takers),
                ("合计", "total"),
                ("净额（受理 － 发行）", "net"),
            ]
        )
        taken = {
            taker: sum(cells.get((issuer, taker), 0) for issuer in issuers) for taker in takers
        }
        net_of_all = 0
        for issuer in issuers:
            amounts = [cells.get((issuer, taker), 0) for taker in takers]
            net = taken.get(issuer, 0) - sum(amounts)
            net_of_all += net
            self._write_amounts(page, self._business_name(issuer), amounts, net, kind)
        self._write_amounts(page, "合计", list(taken.values()), net_of_all, kind, bold=True)

    def _write_flows(self, page: Page) -> None:
        """Who owes whom: the party's own counterparties, each from opening to closing."""
        name, balance = self._figures.party.party_name, self._figures.balance
        page.heading(f"逐户往来：{name} 与各方（期初 ＋ 应收 － 应付 ＋ 结算/付款 ＝ 期末）")
        page.table(
            self._columns("statement_counterparties"),
            counterparties_of(self._figures, self._month),
            {each: getattr(balance, each) for each in AMOUNTS},
            is_held=False,
        )

    def write_exceptions(self) -> None:
        """差异与悬账: what of the month's nights waits for somebody."""
        page = self._titled("差异与悬账", "差异与悬账", "元", "statement_exceptions")
        rows = [
            {
                **row,
                "exception_name": self._catalogue.label("exception", row["reason"]),
                "note": row["note"] + self._why(row),
                "owner_name": self._catalogue.label("exception_owner", row["reason"]),
                "state_name": self._catalogue.label(
                    "exception_state", "open" if row["is_open"] else "told"
                ),
                "business_name": self._business_name(row["business"] or ""),
            }
            for row in self._late.exceptions_of(self._figures.party.party)
        ]
        self._write_some(page, "statement_exceptions", rows, "本期无差异与悬账")

    def _why(self, row: Row) -> str:
        """Why money is in suspense."""
        if row["reason"] != "suspense":
            return ""
        return f"，{self._catalogue.label('suspense', row['detail'])}"

    def write_adjustments(self) -> None:
        """调整: lines that were posted after their own month was over."""
        page = self._titled("调整", "调整", "元", "statement_adjustments")
        names = {item.party.party: item.party.party_name for item in self._month.parties}
        rows = [
            {
                **row,
                "movement_name": self._catalogue.label("movement_type", row["movement_type"]),
                "corrects_name": self._catalogue.label("corrects", row["corrects"]),
                "settled_name": self._catalogue.label("settled_as", row["settled_as"]),
                "counterparty_name": names.get(row["counterparty"], row["counterparty"]),
            }
            for row in adjustments_of(
                self._late.adjustments,
                self._figures.party.party,
                self._late.numbers,
                self._header.supersedes_no,
            )
        ]
        self._write_some(page, "statement_adjustments", rows, "本期无调整")

    def _write_some(self, page: Page, export: str, rows: list[Row], nothing: str) -> None:
        """A table of the first rows that a sheet takes, under a note if there are more; `nothing`
        says that there are none.
        """
        limit = sheet_lines(self._header, self._catalogue)
        if len(rows) > limit:
            page.line(f"共 {len(rows):,} 项，只列前 {limit:,} 项", bold=True, font_color=AMBER)
            page.row += 1
        page.table(self._columns(export), rows[:limit], {})
        if not rows:
            page.line(nothing, font_color=GREY)
        page.print_only(self._columns(export))

    def _write_amounts(
        self, page: Page, name: str, amounts: list[int], net: int, kind: str, bold: bool = False
    ) -> None:
        """One row of the matrix, of points or from fen, with its total and net."""
        style = self._styles.cell("text", bold=bold)
        write_value(page.sheet, page.row, 0, "text", name, style)
        for index, amount in enumerate([*amounts, sum(amounts), net]):
            style = self._styles.cell(kind, bold=bold or index >= len(amounts))
            write_value(page.sheet, page.row, index + 1, kind, amount, style)
        page.row += 1

    def _titled(self, name: str, title: str, unit: str, export: str) -> Page:
        page = self.page(name)
        page.widths(self._columns(export))
        header = self._header
        page.title(
            title,
            f"{self._figures.party.party_name}　会计期间 {month_text(self._month.period_month)}　"
            f"{header.statement_no}　{header.status}　单位：{unit}",
        )
        return page

    def _columns(self, export: str) -> tuple[ExportColumn, ...]:
        return self._catalogue.exports[export].columns

    def _business_name(self, code: str) -> str:
        name = self._month.businesses.get(code)
        return name or self._catalogue.label("issuer_business", code)

    def _with_businesses(self, codes: Iterable[str]) -> list[str]:
        """All businesses, then what else occurs (points taken on debt have no issuer)."""
        known = list(self._month.businesses)
        return known + sorted(set(codes) - set(known))
