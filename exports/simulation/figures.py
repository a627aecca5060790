"""What the page of a simulation shows: headlines, charts and sections, read from its tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from exports.report.figures import Cells, Chart, Headline, Section
from exports.simulation.proofs import Proof
from exports.simulation.sides import Window

MEMBERS_SHOWN = 20
Columns = tuple[tuple[str, str], ...]
# Of these the page shows before, after and difference; of the others the difference alone.
POINTS = ("awarded_points", "redeemed_points", "clawed_back_points", "expired_points")
MONEY = ("issue_cost_micro_fen", "reimbursed_micro_fen", "net_cost_micro_fen")
POINTS_COLUMNS: Columns = (
    ("发放之前", "points"),
    ("发放之后", "points"),
    ("发放差异", "change"),
    ("核销差异", "change"),
    ("扣回差异", "change"),
    ("过期差异", "change"),
    ("净增差异", "change"),
)
MONEY_COLUMNS: Columns = (
    ("发放成本之前", "yuan"),
    ("之后", "yuan"),
    ("核销获付之前", "yuan"),
    ("之后", "yuan"),
    ("净成本之前", "yuan"),
    ("之后", "yuan"),
    ("净成本差异", "yuan_change"),
)
MONTH = "strftime(business_month, '%Y-%m')"
TRIPLE = ("_before", "_after", "_difference")


@dataclass(frozen=True)
class Page:
    """Everything that the page shows, top to bottom."""

    window: Window
    headlines: tuple[Headline, ...]
    rules: Section
    parts: tuple[Chart | Section, ...]


class PageReader:
    """Reads the page from the tables of a comparison."""

    def __init__(self, database: duckdb.DuckDBPyConnection, window: Window) -> None:
        self._database = database
        self._window = window

    def read(self, changes: Sequence[Cells], proofs: Sequence[Proof]) -> Page:
        """The whole page; `changes` are rows of the table that `ingest rules` wrote."""
        parts = (
            self._chart("各业态发放积分", "business_name", "businesses", "awarded_points"),
            self._points("按业态：积分", "业态", "business_name", "businesses"),
            self._rules(),
            self._chart("各业态净成本（元）", "business_name", "businesses", "net_cost_micro_fen"),
            self._money("按业态：成本（元）", "业态", "business_name", "businesses"),
            self._money("按法人：成本（元）", "法人主体", "legal_entity_name", "legal_entities"),
            self._chart("各月发放积分", MONTH, "months", "awarded_points"),
            self._points("按月：积分", "月份", MONTH, "months"),
            self._money("按月：成本（元）", "月份", MONTH, "months"),
            self._liability_chart(),
            self._liability(),
            self._tier_chart(),
            self._tiers(),
            self._moves(),
            self._distribution_chart(),
            self._movers(),
            self._outside(),
            _proved(proofs, self._settled()),
        )
        return Page(self._window, self._headlines(), self._changes(changes), parts)

    def _rows(self, query: str) -> tuple[Cells, ...]:
        return tuple(self._database.execute(query).fetchall())

    def _headlines(self) -> tuple[Headline, ...]:
        wanted = [f"{name}_difference" for name in (*POINTS, "net_points", *MONEY)]
        (totals,) = self._rows(f"select {', '.join(wanted)} from totals")
        ((more, less),) = self._rows("""
            select count(*) filter (net_points_difference > 0),
                count(*) filter (net_points_difference < 0)
            from compared.members
        """)
        ((up, down),) = self._rows("""
            select coalesce(sum(member_count) filter (other.tier_rank > one.tier_rank), 0),
                coalesce(sum(member_count) filter (other.tier_rank < one.tier_rank), 0)
            from compared.tier_moves as moves
            inner join tiers as one on moves.tier_before = one.tier
            inner join tiers as other on moves.tier_after = other.tier
        """)
        points = ("发放", "核销", "扣回", "过期", "净增")
        money = ("发放成本", "核销获付", "净成本")
        return (
            *(
                Headline(f"{word}积分差异", "change", value)
                for word, value in zip(points, totals, strict=False)
            ),
            *(
                Headline(f"{word}差异（元）", "yuan_change", _fen(value))
                for word, value in zip(money, totals[len(points) :], strict=True)
            ),
            Headline("积分变多的会员", "count", more),
            Headline("积分变少的会员", "count", less),
            Headline("等级变高的会员", "count", int(up)),
            Headline("等级变低的会员", "count", int(down)),
        )

    def _changes(self, changes: Sequence[Cells]) -> Section:
        early = [effect for _, _, effect, *_ in changes if _is_before(effect, self._window.first)]
        note = (
            f"其中 {len(early)} 项在窗口之前已生效：窗口开始时的未用积分与等级已不同，"
            "窗口之前的差异另列于“窗口之外的差异”。"
            if early
            else "所有变更均在窗口之内或之后生效。"
        )
        return Section(
            "规则变更（试算所用的规则与现行规则相比）",
            (
                ("规则书", "text"),
                ("项", "text"),
                ("自", "text"),
                ("至（不含）", "text"),
                ("原值", "text"),
                ("新值", "text"),
                ("依据", "text"),
                ("批准", "text"),
            ),
            tuple(changes),
            note=note if changes else "规则无变更，因此以下应无差异。",
        )

    def _points(self, title: str, heading: str, key: str, table: str) -> Section:
        names = [f"awarded_points{suffix}" for suffix in TRIPLE]
        names += [f"{name}_difference" for name in (*POINTS[1:], "net_points")]
        return Section(
            title,
            ((heading, "text"), *POINTS_COLUMNS),
            tuple((_text(row[0]), *row[1:]) for row in self._of(key, names, table)),
            ("合计", *self._rows(f"select {', '.join(names)} from totals")[0]),
            "净增 = 发放 − 核销 − 扣回 − 过期；核销、扣回已减去退还与冲正。"
            "业态：谁发放、在哪里核销、谁的退款、哪家的批次过期。",
        )

    def _money(self, title: str, heading: str, key: str, table: str) -> Section:
        names = [f"{name}{suffix}" for name in MONEY for suffix in TRIPLE[:2]]
        names.append("net_cost_micro_fen_difference")
        return Section(
            title,
            ((heading, "text"), *MONEY_COLUMNS),
            tuple(
                (_text(row[0]), *(_fen(value) for value in row[1:]))
                for row in self._of(key, names, table)
            ),
            (
                "合计",
                *(_fen(each) for each in self._rows(f"select {', '.join(names)} from totals")[0]),
            ),
            "发放成本：该业态为发放付给积分基金的金额，减去扣回所得；核销获付：基金付给它的金额。"
            "两边各按自己的结算价计算，精确到微分，此处四舍五入到分；合计为精确合计。",
        )

    def _of(self, key: str, names: Sequence[str], table: str) -> tuple[Cells, ...]:
        return self._rows(f"select {key}, {', '.join(names)} from compared.{table}")

    def _chart(self, title: str, key: str, table: str, name: str) -> Chart:
        is_money = name.endswith("_micro_fen")
        pairs = self._of(key, [f"{name}{suffix}" for suffix in TRIPLE[:2]], table)
        groups = (
            (_text(row[0]), tuple(_fen(value) if is_money else value for value in row[1:]))
            for row in pairs
        )
        return _two(title, groups, "yuan" if is_money else "points")

    def _rules(self) -> Section:
        return Section(
            "按规则：发放积分",
            (
                ("业态", "text"),
                ("规则", "text"),
                ("之前", "points"),
                ("之后", "points"),
                ("差异", "change"),
            ),
            self._rows("""
                select business_name, rule, awarded_points_before, awarded_points_after,
                    awarded_points_difference
                from compared.rules
            """),
            (
                "合计",
                "",
                *self._rows("""
                    select awarded_points_before, awarded_points_after, awarded_points_difference
                    from totals
                """)[0],
            ),
        )

    def _liability_chart(self) -> Chart:
        rows = self._rows("""
            select closing_date, sum(closing_points_before)::bigint,
                sum(closing_points_after)::bigint
            from compared.liability group by closing_date order by closing_date
        """)
        return _two("期末未用积分（负债）", ((_text(row[0]), row[1:]) for row in rows))

    def _liability(self) -> Section:
        return self._by_month(
            "期末未用积分（负债）：按发放业态",
            "select closing_date, business, business_name, closing_points_before,"
            " closing_points_after from compared.liability",
            "该日所有批次中尚未核销、过期、扣回的积分，包括窗口之前发放的。",
        )

    def _tier_chart(self) -> Chart:
        rows = self._rows("""
            select tier_name, member_count_before, member_count_after
            from compared.tier_population
            where closing_date = (select max(closing_date) from months)
        """)
        return _two(
            f"等级人数（{self._window.last}）", ((row[0], row[1:]) for row in rows), "count"
        )

    def _tiers(self) -> Section:
        return self._by_month(
            "等级人数：各月末",
            "select closing_date, tier, tier_name, member_count_before, member_count_after"
            " from compared.tier_population",
            "只计该日之前已在任一业态出现的会员。",
        )

    def _by_month(self, title: str, query: str, note: str) -> Section:
        """A row a month, a column for each of what has a code and a name; before → after."""
        cells: dict[date, list[str]] = {}
        names: dict[str, str] = {}
        for day, code, name, one, other in self._rows(query):
            names[code] = name
            told = f"{one:,}" if one == other else f"{one:,} → {other:,}"
            cells.setdefault(day, []).append(told)
        return Section(
            title,
            (("截至日", "date"), *((name, "figure") for name in names.values())),
            tuple((day, *row) for day, row in cells.items()),
            note=f"{note}有差异时写作 之前 → 之后。",
        )

    def _moves(self) -> Section:
        names = self._rows("select tier, tier_name from tiers order by tier_rank, tier")
        counted = {
            (one, other): count
            for one, other, count in self._rows(
                "select tier_before, tier_after, member_count from compared.tier_moves"
            )
        }
        rows = tuple(
            (
                name,
                *(counts := [counted.get((tier, other), 0) for other, _ in names]),
                sum(counts),
            )
            for tier, name in names
        )
        sums = [sum(row[index] for row in rows) for index in range(1, len(names) + 2)]
        return Section(
            f"等级变化：会员数（{self._window.last}）",
            (
                ("之前＼之后", "text"),
                *((name, "count") for _, name in names),
                ("合计", "count"),
            ),
            rows,
            ("合计", *sums),
        )

    def _distribution_chart(self) -> Chart:
        rows = self._rows("""
            select least_points, most_points, member_count from compared.distribution
        """)
        groups = tuple((_range(least, most), (count,)) for least, most, count in rows)
        return Chart("会员净增积分差异的分布（会员数）", ("会员",), groups, "count")

    def _movers(self) -> Section:
        return Section(
            f"差异最大的会员（前 {MEMBERS_SHOWN} 名）",
            (
                ("会员编号", "text"),
                ("等级之前", "text"),
                ("等级之后", "text"),
                ("发放之前", "points"),
                ("发放之后", "points"),
                ("净增之前", "points"),
                ("净增之后", "points"),
                ("净增差异", "change"),
            ),
            self._rows(f"""
                select member_id, one.tier_name, other.tier_name, awarded_points_before,
                    awarded_points_after, net_points_before, net_points_after,
                    net_points_difference
                from compared.members
                left join tiers as one on tier_before = one.tier
                left join tiers as other on tier_after = other.tier
                where net_points_difference <> 0
                order by abs(net_points_difference) desc, member_id
                limit {MEMBERS_SHOWN}
            """),
            note="全部有差异的会员见 tables/members.parquet。",
        )

    def _outside(self) -> Section:
        names = {
            "earlier": f"{self._window.first} 之前",
            "later": f"{self._window.last} 之后",
        }
        columns = [f"awarded_points{suffix}" for suffix in TRIPLE]
        columns += [f"{name}_difference" for name in (*POINTS[1:], "net_points")]
        rows = self._of("span", [*columns, "net_cost_micro_fen_difference"], "outside")
        return Section(
            "窗口之外的差异",
            (("营业日", "text"), *POINTS_COLUMNS, ("净成本差异（元）", "yuan_change")),
            tuple((names[row[0]], *row[1:-1], _fen(row[-1])) for row in rows),
            note="以上各表均不含窗口之外。窗口内的规则变更不会改变此前的数字，但会改变此后的数字。",
        )

    def _settled(self) -> Cells:
        ((settled, priced),) = self._rows("""
            select coalesce((select micro_fen from before.settled), 0), net_cost_micro_fen_before
            from totals
        """)
        way = "现行规则的净成本 = 已入账结算明细（未计尾差）"
        return (way, "", _yuan(settled), settled == priced)


def read_page(
    database: duckdb.DuckDBPyConnection,
    window: Window,
    changes: Sequence[Cells],
    proofs: Sequence[Proof],
) -> Page:
    """The page of a comparison whose tables have been made and proved."""
    return PageReader(database, window).read(changes, proofs)


def _proved(proofs: Sequence[Proof], settled: Cells) -> Section:
    return Section(
        "核对",
        (("合计", "text"), ("等于", "text"), ("数值", "figure"), ("一致", "tick")),
        (
            *(
                (
                    proof.title,
                    "、".join(proof.sums),
                    _yuan(proof.total) if proof.is_money else f"{proof.total:,}",
                    all(found == proof.total for found in proof.sums.values()),
                )
                for proof in proofs
            ),
            settled,
        ),
        note="合计直接取自全部分录；金额为精确到微分的元。任何一项不一致，试算即中止。"
        "最后一行只在结算价曾被追溯修改时不一致。",
    )


def _two(title: str, groups: Iterable[tuple[str, tuple[int, ...]]], kind: str = "points") -> Chart:
    return Chart(title, ("之前", "之后"), tuple(groups), kind, has_zeros=True)


def _range(least: int | None, most: int | None) -> str:
    if least is None:
        return f"≤ {most:,}"
    if most is None:
        return f"≥ +{least:,}"
    return f"{least:+,} … {most:+,}" if least else "0"


def _text(value: Any) -> str:
    return str(value)


def _fen(micro_fen: int) -> int:
    """Fen, half a fen away from zero."""
    fen = (abs(micro_fen) + 500_000) // 1_000_000
    return fen if micro_fen >= 0 else -fen


def _yuan(micro_fen: int) -> str:
    """Yuan with two decimals, or as many as it takes to be exact."""
    whole, rest = divmod(abs(micro_fen), 100_000_000)
    decimals = f"{rest:08d}"
    sign = "-" if micro_fen < 0 else ""
    return f"{sign}{whole:,}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def _is_before(day: str | None, first: date) -> bool:
    return day is None or day < first.isoformat()
