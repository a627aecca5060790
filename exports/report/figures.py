"""What the run report says about one night: headlines, a chart and sections, read from the marts.

Cells keep their values; their kind says how they are shown. HTML and text print the same sections.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from exports.catalogue import Catalogue
from exports.report.usual import COMPARED_NIGHTS, TIMES, beside_usual
from ingest.core.lake import DATA_DOCS

MOVERS_SHOWN = 10
# Merchants are many; together they are one row of the report.
PARTY = "case party_kind when 'merchant' then '' else parties.party end"
PARTY_NAME = "case party_kind when 'merchant' then '商户合计' else party_name end"
PARTY_ORDER = (
    "min(case party_kind when 'business' then 0 when 'fund' then 3"
    " when 'merchant' then 1 else 2 end), min(parties.party)"
)
Cells = tuple[Any, ...]


@dataclass(frozen=True)
class Section:
    """One table. Columns are (label, kind): text, path (in the lake), beside (a file beside the
    report), date, count, alarm, points, yuan, tick, figure (a number that is written already),
    change and yuan_change (by how much something is other).
    """

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Cells, ...]
    total: Cells = ()
    note: str = ""


@dataclass(frozen=True)
class Headline:
    """One figure at the top."""

    label: str
    kind: str
    value: Any
    is_bad: bool = False


@dataclass(frozen=True)
class Chart:
    """Bars in groups: for each group (a business) one value a series, at most three; their kind
    is points, count or yuan. A value of 0 has no bar of its own, unless `has_zeros`.
    """

    title: str
    series: tuple[str, ...]
    groups: tuple[tuple[str, tuple[int, ...]], ...]
    kind: str = "points"
    has_zeros: bool = False


@dataclass(frozen=True)
class RunReport:
    """The report of one night."""

    business_date: date
    version: str
    run_key: str
    headlines: tuple[Headline, ...]
    chart: Chart
    sections: tuple[Section, ...]

    @property
    def is_good(self) -> bool:
        """True if nothing at the top asks for attention."""
        return not any(headline.is_bad for headline in self.headlines)


class ReportReader:
    """Reads the report of one night."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, business_date: date, catalogue: Catalogue
    ) -> None:
        self._connection = connection
        self._date = business_date
        self._names = catalogue.names

    def read(self, version: str, run_key: str, docs: Sequence[str] = ()) -> RunReport:
        """The whole report; `docs` are the pages of Data Docs beside it."""
        inputs, points, tiers = self._inputs(), self._points(), self._tiers()
        settlement, invariants = self._settlement(), self._invariants()
        freshness, migrations = self._freshness(), self._migrations()
        unusual = self._beside_usual()
        sections = (
            inputs,
            points,
            tiers,
            self._id_changes(),
            self._identities(),
            *self._identity_evaluation(),
            *migrations,
            settlement,
            self._month(),
            invariants,
            self._movers(),
            *unusual,
            freshness,
            self._gaps(),
            self._expectations(),
            _docs(docs),
            self._places(version),
        )
        headlines = (
            *self._input_headlines(inputs, freshness),
            *self._ledger_headlines(points, tiers),
            *_proof_headlines(settlement, invariants),
            *self._migration_headlines(migrations),
            *(_unusual_headline(section) for section in unusual),
        )
        return RunReport(self._date, version, run_key, headlines, self._chart(), sections)

    def _rows(self, sql: str) -> tuple[Cells, ...]:
        """Rows of a query; `$date` in it is the business date."""
        values = {"date": self._date} if "$date" in sql else None
        return tuple(self._connection.execute(sql, values).fetchall())

    def _input_headlines(self, inputs: Section, freshness: Section) -> tuple[Headline, ...]:
        unbalanced = sum(not row[-1] for row in inputs.rows)
        late = sum(not row[-1] for row in freshness.rows)
        return (
            Headline("输入行数", "count", inputs.total[4]),
            Headline("隔离行数", "count", inputs.total[8]),
            Headline("未平文件", "count", unbalanced, unbalanced > 0),
            Headline("未到来源", "count", late, late > 0),
        )

    def _ledger_headlines(self, points: Section, tiers: Section) -> tuple[Headline, ...]:
        names = self._names["entry_type"]
        net = {row[0]: row[3] for row in points.rows}
        changed = {row[0]: row[2] for row in tiers.rows}
        redeemed = sum(net.get(names[code], 0) for code in ("redemption", "redemption_debt"))
        return (
            Headline("发放积分", "points", net.get(names["accrual"], 0)),
            Headline("核销积分", "points", redeemed),
            Headline("过期积分", "points", net.get(names["expiry"], 0)),
            Headline("升级", "count", changed.get(self._names["reason"]["upgrade"], 0)),
            Headline("降级", "count", changed.get(self._names["reason"]["downgrade"], 0)),
        )

    def _inputs(self) -> Section:
        rows = self._rows("""
            select source, table_name, source_file, status, row_count, loaded_count,
                duplicate_count, superseded_count, quarantined_count, control_row_count,
                control_total_fen, is_balanced
            from fct_load_reconciliation where load_date = $date
            order by source, table_name, source_file
        """)
        names = self._names["status"]
        sums = [sum(row[index] or 0 for row in rows) for index in range(4, 10)]
        return Section(
            "输入文件",
            (
                ("来源", "text"),
                ("表", "text"),
                ("文件", "text"),
                ("状态", "text"),
                ("行数", "count"),
                ("入库", "count"),
                ("重复", "count"),
                ("被更正", "count"),
                ("隔离", "alarm"),
                ("对账行数", "count"),
                ("对账金额（元）", "yuan"),
                ("平衡", "tick"),
            ),
            tuple((*row[:3], names.get(row[3], row[3]), *row[4:]) for row in rows),
            # Amounts of different tables are about the same sales, so they are not added up.
            ("合计", "", "", "", *sums, None, all(row[-1] for row in rows)),
            "行数 = 入库 + 重复 + 被更正 + 隔离；行数与金额同对账文件一致为平衡。"
            "被隔离的行及原因：python -m ingest quarantine ls",
        )

    def _points(self) -> Section:
        rows = self._rows("""
            select entry_type, count(*), count(*) filter (where is_reversal),
                sum(case when is_reversal then -points else points end)::bigint,
                count(distinct member_id)
            from fct_points_entries where posted_date = $date
            group by entry_type
            order by entry_type
        """)
        names = self._names["entry_type"]
        order = {code: index for index, code in enumerate(names)}
        in_order = sorted(rows, key=lambda row: order.get(row[0], len(order)))
        return Section(
            "积分（今夜入账）",
            (
                ("类型", "text"),
                ("分录", "count"),
                ("其中冲正", "count"),
                ("净积分", "points"),
                ("会员", "count"),
            ),
            tuple((names.get(row[0], row[0]), *row[1:]) for row in in_order),
        )

    def _tiers(self) -> Section:
        rows = self._rows("""
            with tiers as (
                select tier, any_value(tier_name) as tier_name from dim_member_tiers group by tier
            )
            select
                reason,
                coalesce(before.tier_name, from_tier) || ' → ' || coalesce(after.tier_name, to_tier)
                    as move,
                count(*)
            from fct_tier_changes
            left join tiers as before on from_tier = before.tier
            left join tiers as after on to_tier = after.tier
            where posted_date = $date and not is_reversal and from_tier is not null
            group by reason, move
            order by reason desc, move
        """)
        names = self._names["reason"]
        moves: dict[str, list[tuple[str, int]]] = {}
        for reason, move, count in rows:
            name = names.get(reason) or str(reason)
            moves.setdefault(name, []).append((move, count))
        withdrawn = self._rows(
            "select count(*) from fct_tier_changes where posted_date = $date and is_reversal"
        )[0][0]
        return Section(
            "等级变动（今夜入账）",
            (("变动", "text"), ("明细", "text"), ("会员", "count")),
            tuple(
                (
                    name,
                    "，".join(f"{move} {count:,}" for move, count in counted),
                    sum(count for _, count in counted),
                )
                for name, counted in moves.items()
            ),
            note=f"另有 {withdrawn:,} 条以前的变动被撤回。" if withdrawn else "",
        )

    def _id_changes(self) -> Section:
        rows = self._rows("""
            select reason, count(*), count(distinct member_id)
            from fct_member_id_changes where posted_date = $date
            group by reason order by reason
        """)
        names = self._names["reason"]
        return Section(
            "会员归并（今夜）",
            (("变动", "text"), ("账号", "count"), ("会员", "count")),
            tuple((names.get(row[0], row[0]), *row[1:]) for row in rows),
        )

    def _identities(self) -> Section:
        rows = self._rows("""
            select settings_version, account_count, member_count, held_link_count,
                blocked_value_count, members_over_names_count, largest_member_account_count,
                previous_largest_member_account_count
            from fct_identity_quality where business_date = $date
        """)
        limits = self._rows("""
            select most_names, most_members_over_names_per_million, largest_member_growth,
                largest_member_growth_from
            from fct_identity_quality where business_date = $date
        """)
        judged = "".join(
            f"姓名超限：不同姓名多于 {names} 个，每百万会员至多 {per_million} 名；"
            f"最大会员的账号多于 {growth_from} 个时，至多为上次的 {growth} 倍；否则不发布（I9）。"
            for names, per_million, growth, growth_from in limits
        )
        return Section(
            "身份识别",
            (
                ("设置版本", "text"),
                ("账号", "count"),
                ("会员", "count"),
                ("待审链接", "count"),
                ("屏蔽值", "count"),
                ("姓名超限会员", "alarm"),
                ("最大会员账号数", "count"),
                ("上次最大", "count"),
            ),
            rows,
            note=judged + self._held_links(),
        )

    def _held_links(self) -> str:
        """How many links wait for a person, by reason, and how to see them."""
        rows = self._rows("""
            select reason, sum(link_count)::bigint from fct_identity_reviews
            group by reason order by reason
        """)
        names = self._names["held"]
        counted = "，".join(f"{names.get(reason, reason)} {count:,}" for reason, count in rows)
        return f"待审：{counted}。逐条查看：python -m identity_resolution review" if rows else ""

    def _identity_evaluation(self) -> tuple[Section, ...]:
        """How right the members are; no section where nobody has labelled accounts."""
        rows = self._rows("select figure, value from fct_identity_evaluation order by figure")
        if not rows:
            return ()
        names = self._names["figure"]
        order = {figure: index for index, figure in enumerate(names)}
        in_order = sorted(rows, key=lambda row: order.get(row[0], len(order)))
        section = Section(
            "身份识别评估（按已标注账号）",
            (("指标", "text"), ("数值", "figure")),
            tuple((names.get(figure, figure), value) for figure, value in in_order),
        )
        return (section,)

    def _migrations(self) -> tuple[Section, ...]:
        """The proof of each migration; no section where no business has migrated."""
        names = self._names["status"]
        rows = self._rows("""
            select business, cut_over_date, signed_points, opened_points, excepted_points,
                difference_points, excepted_line_count + unknown_tier_line_count, status
            from fct_migrations order by business, cut_over_date
        """)
        if not rows:
            return ()
        section = Section(
            "会员系统迁移（旧系统余额 = 期初入账 + 例外）",
            (
                ("业态", "text"),
                ("切换日", "date"),
                ("签认积分", "points"),
                ("期初入账", "points"),
                ("例外", "points"),
                ("差异", "points"),
                ("例外条目", "count"),
                ("状态", "text"),
            ),
            tuple((*row[:-1], names.get(row[-1], row[-1])) for row in rows),
            note="逐条例外见 fct_migration_exceptions。",
        )
        return (section,)

    def _migration_headlines(self, migrations: tuple[Section, ...]) -> Iterator[Headline]:
        """How many migrations do not say what was signed; nothing where none is."""
        names = self._names["status"]
        for section in migrations:
            wrong = sum(row[-1] in (names["differs"], names["not_signed"]) for row in section.rows)
            yield Headline("不符的迁移", "count", wrong, wrong > 0)

    def _settlement(self) -> Section:
        rows = self._rows(f"""
            with sides as (
                select payee_party as party, amount_fen as receivable_fen, 0 as payable_fen
                from fct_settlement_lines where posted_date = $date
                union all
                select payer_party, 0, amount_fen
                from fct_settlement_lines where posted_date = $date
            )
            select
                {PARTY_NAME},
                count(sides.party),
                coalesce(sum(receivable_fen), 0)::bigint,
                coalesce(sum(payable_fen), 0)::bigint,
                coalesce(sum(receivable_fen) - sum(payable_fen), 0)::bigint
            from dim_parties as parties left join sides on parties.party = sides.party
            group by {PARTY_NAME}, {PARTY}
            order by {PARTY_ORDER}
        """)
        return Section(
            "结算（今夜入账）",
            (
                ("主体", "text"),
                ("行数", "count"),
                ("应收（元）", "yuan"),
                ("应付（元）", "yuan"),
                ("净额（元）", "yuan"),
            ),
            rows,
            ("合计 Σ", *(sum(row[index] for row in rows) for index in range(1, 5))),
            "每行对收款方记应收、对付款方记应付，所以全体净额必须为 0。",
        )

    def _month(self) -> Section:
        rows = self._rows(f"""
            select
                {PARTY_NAME},
                sum(opening_fen)::bigint,
                sum(receivable_fen)::bigint,
                sum(payable_fen)::bigint,
                sum(payments_fen)::bigint,
                sum(closing_fen)::bigint
            from fct_settlement_balances as balances
            inner join dim_parties as parties on balances.party = parties.party
            where period_month = date_trunc('month', $date::date)
            group by {PARTY_NAME}, {PARTY}
            order by {PARTY_ORDER}
        """)
        return Section(
            f"结算（{self._date:%Y-%m} 月累计）",
            (
                ("主体", "text"),
                ("期初（元）", "yuan"),
                ("应收（元）", "yuan"),
                ("应付（元）", "yuan"),
                ("结算/付款（元）", "yuan"),
                ("期末（元）", "yuan"),
            ),
            rows,
            ("合计 Σ", *(sum(row[index] for row in rows) for index in range(1, 6))),
        )

    def _invariants(self) -> Section:
        return Section(
            "不变量",
            (
                ("编号", "text"),
                ("内容", "text"),
                ("检查数", "count"),
                ("违反数", "alarm"),
                ("通过", "tick"),
            ),
            self._rows("""
                select invariant, description, checked_count, violation_count, violation_count = 0
                from fct_invariants order by length(invariant), invariant
            """),
        )

    def _movers(self) -> Section:
        rows = self._rows(f"""
            with signed as (
                select member_id, case when is_reversal then -points else points end as points,
                    case entry_type
                        when 'redemption_debt' then 'redemption'
                        when 'claw_back_debt' then 'claw_back'
                        when 'release' then 'accrual'
                        else entry_type
                    end as movement
                from fct_points_entries where posted_date = $date and member_id is not null
            ),
            moved as (
                select
                    member_id,
                    coalesce(sum(points) filter (where movement = 'accrual'), 0)::bigint
                        as awarded,
                    coalesce(sum(points) filter (where movement = 'redemption'), 0)::bigint
                        as redeemed,
                    coalesce(sum(points) filter (where movement = 'claw_back'), 0)::bigint
                        as clawed_back,
                    coalesce(sum(points) filter (where movement = 'expiry'), 0)::bigint
                        as expired
                from signed group by member_id
            )
            select moved.member_id, tier_name, awarded, redeemed, clawed_back, expired,
                points_balance
            from moved left join dim_members as members on moved.member_id = members.member_id
            order by abs(awarded) + abs(redeemed) + abs(clawed_back) + abs(expired) desc,
                moved.member_id
            limit {MOVERS_SHOWN}
        """)
        return Section(
            f"变动最大的会员（前 {MOVERS_SHOWN} 名）",
            (
                ("会员编号", "text"),
                ("等级", "text"),
                ("发放", "points"),
                ("核销", "points"),
                ("扣回", "points"),
                ("过期", "points"),
                ("余额", "points"),
            ),
            rows,
        )

    def _beside_usual(self) -> tuple[Section, ...]:
        """What came and was posted beside the nights before; no section while there are few."""
        rows = tuple(beside_usual(self._connection, self._date))
        section = Section(
            f"与近 {COMPARED_NIGHTS} 夜相比",
            (("项目", "text"), ("今夜", "count"), ("近期中位数", "count"), ("常态", "tick")),
            rows,
            note=f"多于中位数的 {TIMES} 倍或不足其 {TIMES} 分之一的，请核对；不影响发布。",
        )
        return (section,) if rows else ()

    def _freshness(self) -> Section:
        return Section(
            "数据新鲜度",
            (
                ("来源", "text"),
                ("最近到数", "date"),
                ("最近完整营业日", "date"),
                ("最近发生日", "date"),
                ("缺口", "alarm"),
                ("无缺口", "tick"),
            ),
            self._rows("""
                select source, last_load_date, last_delivered_date, last_business_date, gap_count,
                    gap_count = 0
                from fct_source_freshness order by source
            """),
            note="有缺口的来源，其业态的数字为暂估，补到后自动更正；仅备查的来源（如渠道账单）不影响数字。",
        )

    def _gaps(self) -> Section:
        rows = self._rows("""
            select source, business_date, sequence, status
            from fct_delivery_calendar where is_gap order by source, business_date, sequence
        """)
        names = self._names["status"]
        return Section(
            "缺口",
            (("来源", "text"), ("营业日", "date"), ("版次", "count"), ("状态", "text")),
            tuple((*row[:3], names.get(row[3], row[3])) for row in rows),
        )

    def _expectations(self) -> Section:
        rows = self._rows("""
            select source, table_name, expectation,
                case when is_met is null then 'not_judged' else severity end, failing_count,
                observed
            from fct_batch_expectations where is_met is not true
            order by source, table_name, expectation
        """)
        names = self._names["severity"]
        return Section(
            "批次检验未通过",
            (
                ("来源", "text"),
                ("表", "text"),
                ("预期", "text"),
                ("级别", "text"),
                ("行数", "count"),
                ("实际", "text"),
            ),
            tuple((*row[:3], names.get(row[3], row[3]), *row[4:]) for row in rows),
            note="严重：该来源当夜数据整批退回，视同拒收；提示：照常入库；"
            "未检验：所对照的来源当夜无数据。不符合的行见 fct_batch_failing_rows。",
        )

    def _chart(self) -> Chart:
        rows = self._rows("""
            with signed as (
                select
                    case when is_reversal then -points else points end as points,
                    entry_type,
                    case
                        when entry_type in ('redemption', 'redemption_debt') then redeemer_business
                        else issuer_business
                    end as business
                from fct_points_entries where posted_date = $date
            )
            select
                business_name,
                coalesce(sum(points) filter (
                    where entry_type in ('accrual', 'release')), 0)::bigint,
                coalesce(sum(points) filter (
                    where entry_type in ('redemption', 'redemption_debt')), 0)::bigint,
                coalesce(sum(points) filter (where entry_type = 'expiry'), 0)::bigint
            from dim_businesses as businesses
            left join signed on businesses.business = signed.business
            group by businesses.business, business_name
            order by businesses.business
        """)
        groups = tuple((row[0], tuple(row[1:])) for row in rows)
        return Chart("今夜各业态积分", ("发放", "核销", "过期"), groups)

    def _places(self, version: str) -> Section:
        month, day = f"{self._date:%Y-%m}", self._date.isoformat()
        return Section(
            "去哪里找",
            (("内容", "text"), ("数据湖内位置", "path")),
            (
                ("会员、积分、结算集市（DuckDB，只读）", f"published/{version}/marts.duckdb"),
                ("集市清单与摘要", f"published/{version}/manifest.json"),
                ("结算单", f"outbox/statements/{month}/"),
                ("营销人群", f"outbox/audiences/{day}/"),
                ("会员权益同步", f"outbox/feeds/{day}/"),
            ),
        )


def _docs(docs: Sequence[str]) -> Section:
    titles = {"batches": "到达批次（入库后）", "marts": "集市（发布前）"}
    indexes = {each: f"{DATA_DOCS}/{each}/index.html" for each in titles}
    return Section(
        "数据检验文档",
        (("内容", "text"), ("报告旁的文件", "beside")),
        tuple((titles[each], name) for each, name in indexes.items() if name in docs),
    )


def _unusual_headline(section: Section) -> Headline:
    unusual = sum(not row[-1] for row in section.rows)
    return Headline("异常变动", "count", unusual, unusual > 0)


def _proof_headlines(settlement: Section, invariants: Section) -> tuple[Headline, ...]:
    settled, net = settlement.total[2], settlement.total[4]
    violated = sum(row[3] for row in invariants.rows)
    return (
        Headline("结算金额（元）", "yuan", settled),
        Headline("全体净额 Σ（元）", "yuan", net, net != 0),
        Headline("违反的不变量", "count", violated, violated > 0),
    )
