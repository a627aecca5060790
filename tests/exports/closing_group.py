"""A group of mall, hotel and fund whose nights are published by hand, to close months of.

Lines and payments are given; which month they count for is worked out here as the macro
`counted_month` does it, from the same tables of grace and restatements.
"""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa

from exports.adjustments import write_adjustments
from exports.catalogue import read_catalogue
from exports.closes import steps, workflow
from exports.explain.views import write_explanations
from exports.months import last_day
from exports.published import open_current
from exports.statements.pack import write_drafts, write_pack
from exports.statements.register import PAGE, TABLE
from ingest.core.lake import Lake, remove, write_bytes, write_parquet
from ingest.core.settings import Settings
from ingest.restatements import restatement_table
from tests.exports.small_publication import create_statements, settings_of, write_keys

REGISTER = {PAGE, TABLE}
PARTIES = ("fund", "hotel", "mall")
MARTS = """
    insert into dim_businesses (business, business_name) values
        ('hotel', '酒店'), ('mall', '购物中心');
    insert into dim_parties (party, party_name, party_kind) values
        ('hotel', '酒店', 'business'), ('mall', '购物中心', 'business'),
        ('fund', '集团积分基金', 'fund');
    insert into fct_source_freshness (source, business, is_provisional) values
        ('pos', 'mall', false);
    insert into fct_load_reconciliation (load_date, source, table_name, source_file, source_sha256,
        status, row_count, loaded_count, quarantined_count, loaded_total_fen) values
        ('2026-01-05', 'pos', 'sales', 'sales.csv', 'abc', 'accepted', 3, 3, 0, 1000);
    insert into fct_points_entries (entry_id, entry_key, posted_date, business_date, entry_type,
        from_party, to_party, points, is_reversal, source, account_id, activity_id, lot_id, rule_id)
        select 'e' || line_id, 'k' || line_id, posted_date, business_date, 'accrual', 'issuer',
            'member', points, false, 'pos', '00012', 'a' || line_id, 't' || line_id, 'earn/mall'
        from fct_settlement_lines;
    insert into fct_activities (activity_id, source, business, document_no, activity_type,
        business_date, unit_id, paid_fen, source_file, source_row, load_date)
        select 'a' || line_id, 'pos', 'mall', 'R' || line_id, 'purchase', business_date, 'SH01',
            amount_fen, 'sales.csv', 7, posted_date
        from fct_settlement_lines;
    insert into dim_rules values
        ('earn/mall', '基础积分', '2026-01-01', null, 'Programme 2026 §1', 'Group finance'),
        ('price/mall', null, '2026-01-01', null, 'Clearing agreement §2', 'Group finance');
    insert into fct_settlement_statements
        select period_month, party, 'accrual', count(*), sum(points)::bigint,
            sum(receivable)::bigint, sum(payable)::bigint, sum(receivable - payable)::bigint,
            0, 0, 0
        from (
            select period_month, payee_party as party, points, amount_fen as receivable,
                0 as payable
            from fct_settlement_lines
            union all
            select period_month, payer_party, points, 0, amount_fen from fct_settlement_lines
        )
        group by period_month, party;
    insert into fct_counterparty_balances
        with sides as (
            select period_month, payee_party as party, payer_party as counterparty,
                amount_fen as receivable, 0 as payable, 0 as paid
            from fct_settlement_lines
            union all
            select period_month, payer_party, payee_party, 0, amount_fen, 0
            from fct_settlement_lines
            union all
            select period_month, payer_party, payee_party, 0, 0, amount_fen
            from fct_settlement_payments
            union all
            select period_month, payee_party, payer_party, 0, 0, -amount_fen
            from fct_settlement_payments
        ),
        moved as (
            select months.period_month, pairs.party, pairs.counterparty,
                coalesce(sum(receivable), 0) as receivable, coalesce(sum(payable), 0) as payable,
                coalesce(sum(paid), 0) as paid
            from (select distinct period_month from sides) as months
            cross join (select distinct party, counterparty from sides) as pairs
            left join sides using (period_month, party, counterparty)
            group by all
        )
        select period_month, party, counterparty, (closing - receivable + payable - paid)::bigint,
            receivable, payable, paid, closing::bigint
        from (
            select *, sum(receivable - payable + paid) over (
                partition by party, counterparty order by period_month) as closing
            from moved
        );
    insert into fct_settlement_balances
        select months.period_month, dim_parties.party, coalesce(sum(opening_fen), 0),
            coalesce(sum(receivable_fen), 0), coalesce(sum(payable_fen), 0),
            coalesce(sum(payments_fen), 0), coalesce(sum(closing_fen), 0)
        from (select distinct period_month from fct_counterparty_balances) as months
        cross join dim_parties
        left join fct_counterparty_balances as between_two
            on months.period_month = between_two.period_month
            and dim_parties.party = between_two.party
        group by all;
"""


@dataclass(frozen=True)
class Line:
    """A line of the mall to the fund, unless said otherwise."""

    line_id: str
    posted: date
    business: date
    fen: int
    payer: str = "mall"
    payee: str = "fund"


@dataclass(frozen=True)
class Paid:
    """A payment of the mall to the fund, unless said otherwise."""

    payment_id: str
    posted: date
    business: date
    fen: int
    payer: str = "mall"
    payee: str = "fund"
    is_reversal: bool = False


JAN_31, FEB_1, FEB_10, FEB_11 = (
    date(2026, 1, 31),
    date(2026, 2, 1),
    date(2026, 2, 10),
    date(2026, 2, 11),
)
FEB_28, MAR_31 = date(2026, 2, 28), date(2026, 3, 31)
A, B = Line("A", date(2026, 1, 5), date(2026, 1, 5), 1000), Line("B", JAN_31, JAN_31, 234)
LATE = Line("L", date(2026, 2, 9), date(2026, 1, 30), 55)
OWN = Line("O", date(2026, 2, 9), date(2026, 2, 9), 700, "fund", "hotel")
Take = Callable[..., Any]


class Group:
    """A lake whose nights are published by hand; `grace` in days."""

    def __init__(self, root: Path, grace: int = 0) -> None:
        self.settings: Settings = settings_of(root / "lake")
        self.lake = Lake(self.settings.lake)
        write_keys(self.settings)
        self.lines: list[Line] = []
        self.payments: list[Paid] = []
        self._grace = grace

    def publish(self, night: date, *posted: Line | Paid) -> None:
        """Publish a night, with lines and payments posted in it or before."""
        self.lines += [each for each in posted if isinstance(each, Line)]
        self.payments += [each for each in posted if isinstance(each, Paid)]
        run_key = sha256(f"{night}{len(self.lines)}".encode()).hexdigest()
        version = f"{night}-{run_key[:12]}"
        self._write_rules(night)
        record = {"run_key": run_key, "rules_version": "0f" * 32, "code_version": "c0" * 32}
        write_bytes(self.lake.root / "raw" / "nights" / f"{run_key}.json", _json(record))
        folder = self.lake.published / version
        folder.mkdir(parents=True)
        with duckdb.connect(str(folder / "marts.duckdb")) as marts:
            for statement in create_statements():
                marts.execute(statement)
            for line in self.lines:
                marts.execute(
                    "insert into fct_settlement_lines (line_id, entry_id, posted_date,"
                    " business_date, period_month, origin_month, movement_type, payer_party,"
                    " payee_party, first_party, second_party, points, unit_price_micro_fen,"
                    " amount_fen, rounding_micro_fen,"
                    " tax_treatment, tax_per_mille, ex_tax_fen, tax_fen, is_reversal, source,"
                    " account_id, activity_id, lot_id, issuer_business,"
                    " rule_id, document_no, unit_id, order_fen, source_file, source_row)"
                    " values (?, 'e' || ?, ?, ?, ?, ?, 'accrual',"
                    " ?, ?, ?, ?, ?, 1000000, ?, 0, 'outside', 0, ?, 0, false, 'pos', '00012',"
                    " 'a' || ?, 't' || ?, 'mall',"
                    " 'earn/mall price/mall', 'R' || ?, 'SH01', ?, 'sales.csv', 7)",
                    [
                        *(line.line_id, line.line_id, line.posted, line.business),
                        *(self.month_of(line, night), line.business.replace(day=1)),
                        *(line.payer, line.payee, *sorted((line.payer, line.payee))),
                        *(line.fen, line.fen, line.fen),
                        *(line.line_id, line.line_id, line.line_id, line.fen),
                    ],
                )
            for paid in self.payments:
                marts.execute(
                    "insert into fct_settlement_payments values"
                    " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '陈静', '', null, null)",
                    [
                        *(paid.payment_id, paid.payment_id, paid.business, paid.posted),
                        *(self.month_of(paid, night), paid.business.replace(day=1)),
                        *(paid.payer, paid.payee, paid.fen, paid.is_reversal),
                    ],
                )
            marts.execute(MARTS)
            write_explanations(marts)
            write_adjustments(marts)
        manifest = {"version": version, "business_date": f"{night}", "run_key": run_key}
        write_bytes(folder / "manifest.json", _json({**manifest, "marts": []}))
        pointer = self.lake.published / "current"
        remove(pointer)
        pointer.symlink_to(version)

    def month_of(self, line: Line | Paid, night: date) -> date:
        """The month for which a line or a payment counts in a night."""
        origin, posted = line.business.replace(day=1), line.posted.replace(day=1)
        if origin >= posted:
            return posted
        through = last_day(origin) + timedelta(days=self._grace)
        for row in restatement_table(self.lake, night).to_pylist():
            if row["period_month"] == origin:
                through = max(through, row["posted_through_date"])
        return origin if line.posted <= through else posted

    def _write_rules(self, night: date) -> None:
        terms = pa.table(
            {
                "grace_days": pa.array([self._grace], pa.int64()),
                "valid_from_date": [date(2024, 1, 1)],
                "valid_until_date": pa.array([None], pa.date32()),
                "rule_id": ["close/2024-01-01"],
            }
        )
        write_parquet(terms, self.lake.raw("rules", "close_terms", night))
        restatements = restatement_table(self.lake, night)
        write_parquet(restatements, self.lake.raw("rules", "restatements", night))


def through(group: Group, period: str, *names: str) -> None:
    """Take steps, each by another person."""
    people = {"freeze": "陈静", "review": "王芳", "confirm": "李强", "close": "陈静"}
    people |= {"reopen": "王芳", "approve": "李强"}
    for name in names:
        taken: Take = getattr(workflow, name)
        assert taken(group.settings, period, people[name], "late till") is not None


def closed(group: Group, period: str) -> None:
    through(group, period, "freeze", "review", "confirm", "close")
    write_pack(group.settings, period)


def history(group: Group, period: str = "2026-01") -> steps.History:
    return steps.read_history(group.lake, period)


def files_of(folder: Path) -> dict[str, str]:
    """Files of statements; the register beside them changes with every one."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in REGISTER
    }


def manifest(group: Group, folder: str, party: str = "mall") -> dict[str, Any]:
    path = group.lake.outbox / "statements" / folder / party / "manifest.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def drafts_of(group: Group) -> dict[str, str]:
    """Write the drafts of the published night; number of the mall's by folder."""
    with open_current(group.settings) as (publication, marts):
        folders = write_drafts(group.lake, publication, marts, read_catalogue())
    months = sorted({folder.parent.name for folder in folders})
    return {month: manifest(group, month)["statement_no"] for month in months}


def restated(group: Group) -> None:
    """January closed, a late line, reopened by two people, the next night, closed again."""
    closed(group, "2026-01")
    group.publish(FEB_10, LATE, OWN)
    through(group, "2026-01", "reopen", "approve")
    group.publish(FEB_11)
    closed(group, "2026-01")


def lines_of(group: Group, folder: str, party: str) -> list[str]:
    [path] = (group.lake.outbox / "statements" / folder / party).glob("明细_*.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [line["结算行号"] for line in csv.DictReader(file)]


def sheet_of(group: Group, folder: str, party: str, sheet: str) -> list[dict[str, Any]]:
    [path] = (group.lake.outbox / "statements" / folder / party).glob("*.xlsx")
    rows = list(openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True))
    top = next(i for i, row in enumerate(rows) if {"net_fen", "payments_fen"} & {*row})
    end = next(i for i, row in enumerate(rows) if row[0] == "合计")
    return [dict(zip(rows[top], row, strict=True)) for row in rows[top + 1 : end]]


def _json(content: dict[str, object]) -> bytes:
    return json.dumps(content).encode()
