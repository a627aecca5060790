"""One month of a group with merchants, from order lines and points entries to finished packs.

    python -m benchmarks settlement --order-lines 10000000 --entries 5000000 --merchants 120

Order lines lie in `raw/`, as loading leaves them, points entries as the fold leaves them. Measured
is what follows: orders shared over merchants, lines posted, marts, the file that is published, the
close of the month, and the packs of every party. Everything arrives in the month's last night, the
most that a night can get. Checks and digests of publishing are no part of it, nor is dbt's first
look at the project, which later nights find done.
Compare by ratio: the machine is shared.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.ledger import CHANCE, copy, rules, write_links
from benchmarks.ledger import Size as People
from benchmarks.measure import Measured, measured
from dags.pipeline import step_environment
from exports.adjustments import write_adjustments
from exports.explain.views import write_explanations
from exports.reader import MANIFEST, MARTS_DATABASE, engine_options, read_marts, read_tonight
from exports.writer import move_pointer, write_json
from ingest.core.lake import Lake, write_parquet
from ingest.core.settings import load_settings
from ingest.deliveries import DELIVERIES
from ingest.expected import EXPECTED

RESULTS = Path(__file__).with_name("settlement.md")
NIGHT = date(2026, 10, 31)
LINES_OF_ORDER = 4
PUBLISH = "publish"  # an argument: what runs in a process of its own
# The last line of an order is of another merchant in one of ten.
SALES = """
    select
        'R' || lpad((n // {lines})::varchar, 9, '0') as receipt_no,
        n % {lines} + 1 as line_no,
        '01' as store_no,
        'T' || n // {lines} % 90 as till_no,
        'S' || lpad((1 + (n // {lines} + if(n % {lines} = 3 and n // {lines} % 10 = 0, 7, 0))
            % {merchants})::varchar, 4, '0') as merchant_id,
        null::varchar as member_no,
        ({day} + interval (36000 + n % 36000) second)::timestamp as sold_at,
        '商品' as product_name,
        '百货' as category,
        1::bigint as quantity,
        {paid}::bigint as list_fen,
        0::bigint as discount_fen,
        {paid}::bigint as paid_fen,
        null::varchar as original_receipt_no,
        {day}::date as business_date,
        'sales.csv' as _source_file,
        n as _source_row,
        1::bigint as _version,
        n::varchar as _row_hash
    from (select range as n from range({order_lines}))
"""
# In one order of twenty a voucher of 20.00 pays, if it can.
TENDERS = """
    with orders as (
        select receipt_no, sum(paid_fen)::bigint as due_fen,
            substr(receipt_no, 2)::bigint as n
        from read_parquet('{sales}', hive_partitioning = false) group by receipt_no
    ),
    paid as (
        select *, if(n % 20 = 0, least(2000, due_fen), 0) as voucher_fen from orders
    ),
    tenders as (
        select receipt_no, 1::bigint as tender_no, 'wechat' as tender_type,
            due_fen - voucher_fen as amount_fen, null::varchar as voucher_no, n
        from paid
        union all
        select receipt_no, 2, 'voucher', voucher_fen, 'Q' || n, n from paid where voucher_fen > 0
    )
    select receipt_no, tender_no, tender_type, amount_fen::bigint as amount_fen,
        null::bigint as points, voucher_no, 'tenders.csv' as _source_file, n as _source_row,
        1::bigint as _version, n || '/' || tender_no as _row_hash
    from tenders where amount_fen > 0
"""
MERCHANTS = """
    select 'S' || lpad(range::varchar, 4, '0') as merchant_id, '商户' || range as merchant_name,
        '百货' as category, 'B1' as floor, date '2024-01-01' as opened_date,
        'merchants.csv' as _source_file, range as _source_row, 1::bigint as _version,
        range::varchar as _row_hash
    from range(1, {merchants} + 1)
"""
# Two of three earn, one redeems, of six issuers at six redeemers.
ENTRIES = """
    select
        if(n % 3 < 2, 'accrual', 'redemption') as entry_type,
        'pos' as source,
        'A' || n % 100000 as account_id,
        md5('pos|receipt|R' || lpad((n % ({order_lines} // {lines}))::varchar, 9, '0'))
            as activity_id,
        'lot' || if(n % 3 < 2, n, n - 1) as lot_id,
        null::varchar as parent_lot_id,
        null::varchar as debt_activity_id,
        {day}::date as business_date,
        {businesses}[1 + n // 3 % 6] as issuer_business,
        if(n % 3 < 2, null, {businesses}[1 + n // 18 % 6]) as redeemer_business,
        if(n % 3 < 2, {businesses}[1 + n // 3 % 6], {businesses}[1 + n // 18 % 6])
            as settling_business,
        {day}::date as price_date,
        date '2027-12-31' as expires_on_date,
        null::date as release_on_date,
        'earn/mall/2024-01-01' as rule_id,
        if(n % 3 < 2, 'issuer', 'member') as from_party,
        if(n % 3 < 2, 'member', 'redeemer') as to_party,
        (1 + {paid} // 100)::bigint as points
    from (select range as n from range({entries}))
"""
BUSINESSES = "['hotel', 'mall', 'miniprogram', 'outlet', 'parking', 'property']"


@dataclass(frozen=True)
class Size:
    """How large the month is."""

    order_lines: int
    entries: int
    merchants: int


def main(argv: Sequence[str]) -> int:
    """Measure and write the page; returns the exit status."""
    if list(argv) == [PUBLISH]:
        return publish()
    parser = argparse.ArgumentParser(prog="python -m benchmarks settlement", description=__doc__)
    parser.add_argument("--order-lines", type=int, default=10_000_000)
    parser.add_argument("--entries", type=int, default=5_000_000)
    parser.add_argument("--merchants", type=int, default=120)
    parser.add_argument("--memory", default="4GB", help="limit of DuckDB in each step")
    parser.add_argument("--keep", type=Path, help="folder to work in and keep")
    options = parser.parse_args(argv)
    size = Size(options.order_lines, options.entries, options.merchants)
    with tempfile.TemporaryDirectory(prefix="onemember-settlement-") as temporary:
        folder = (options.keep or Path(temporary)).absolute()
        lake = Lake(folder / "lake")
        own = {"KEYS_FILE": str(folder / "keys.json"), "MEMORY_LIMIT": options.memory}
        os.environ.update(step_environment(lake.root), **own, RULES_DIR=str(rules(folder)))
        prepare(lake, size)
        steps = [measured(name, arguments) for name, arguments in commands().items()]
        text = page(lake, size, steps)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


def prepare(lake: Lake, size: Size) -> None:
    """A lake in the month's last night, loaded and folded; nothing is shared or posted yet."""
    measured("keys", ["-m", "ingest", "keys"])
    measured("open", ["-m", "ingest", "open", "--date", str(NIGHT), "--without-deliveries"])
    measured("rules", ["-m", "ingest", "rules", "--date", str(NIGHT)])
    print("  month …", file=sys.stderr, flush=True)
    write_links(lake, People(1_000, 0), NIGHT, 0)
    said = {
        **vars(size),
        "lines": LINES_OF_ORDER,
        "businesses": BUSINESSES,
        "day": f"(date '2026-10-01' + ({CHANCE.format(row='n', salt=1)} * 31 // 1000000)::integer)",
        "paid": f"(100 + {CHANCE.format(row='n', salt=2)} // 40)",
        "sales": _raw(lake, "sales"),
    }
    # Lines of an order share its day.
    said_of_orders = {**said, "day": said["day"].replace("hash(n,", "hash(n // 4,")}
    copy(SALES.format(**said_of_orders), _raw(lake, "sales"))
    copy(TENDERS.format(**said), _raw(lake, "tenders"))
    copy(MERCHANTS.format(**said), _raw(lake, "merchants"))
    copy(ENTRIES.format(**said), lake.raw("ledger", "points_entries", NIGHT))
    for folder, schema in (("deliveries", DELIVERIES), ("expected", EXPECTED)):
        nothing = lake.root / "raw" / folder / f"load_date={NIGHT}" / "part.parquet"
        write_parquet(schema.empty_table(), nothing)
    measured("parse", ["-m", "dbt.cli.main", "parse"])


def _raw(lake: Lake, table: str) -> Path:
    return lake.root / "raw" / "pos" / table / f"load_date={NIGHT}" / "part.parquet"


def commands() -> dict[str, list[str]]:
    """What is measured, each a process of its own."""
    period = f"{NIGHT:%Y-%m}"
    return {
        "touched": ["-m", "dbt.cli.main", "run", "--selector", "stage"],
        "orders": ["-m", "dbt.cli.main", "run", "--selector", "activities"],
        "refunds": ["-m", "ledger", "refunds", "--date", str(NIGHT)],
        "lines and marts": ["-m", "dbt.cli.main", "run", "--selector", "settlement"],
        "publish": ["-m", "benchmarks", "settlement", PUBLISH],
        "close": ["-m", "exports", "close", "--period", period],
        "packs": ["-m", "exports", "statements", "--period", period],
    }


def publish() -> int:
    """The marts as one file in their order, as publishing makes it; those that were not built are
    empty.
    """
    settings = load_settings()
    lake, tonight = Lake(settings.lake), read_tonight(Lake(settings.lake), NIGHT)
    folder = lake.published / tonight.version
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MARTS_DATABASE
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path), config=engine_options(lake, settings.memory_limit)) as database:
        database.execute(f"attach '{lake.work}/onemember.duckdb' as onemember (read_only)")
        found = database.execute("select table_name from duckdb_tables() union select view_name"
                                 " from duckdb_views()").fetchall()  # fmt: skip
        built = {name for (name,) in found}
        for mart in read_marts(settings.dbt_project):
            columns = ", ".join(f"{column.name} {column.data_type}" for column in mart.columns)
            rows = f"as select {mart.column_list} from onemember.main.{mart.name}"
            of = f"{rows} order by {mart.order_list}" if mart.name in built else f"({columns})"
            database.execute(f"create table {mart.name} {of}")
        write_explanations(database)
        write_adjustments(database)
        database.execute("detach onemember")
    manifest = {"version": tonight.version, "business_date": f"{NIGHT}", "marts": []}
    write_json(folder / MANIFEST, {**manifest, "run_key": tonight.run_key})
    move_pointer(lake.published / "current", tonight.version)
    return 0


def page(lake: Lake, size: Size, steps: list[Measured]) -> str:
    """The table of the steps, and what came out."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    marts = lake.published / "current" / MARTS_DATABASE
    with duckdb.connect(str(marts), read_only=True) as database:
        [(lines, parties)] = database.execute(
            "select count(*), (select count(*) from dim_parties) from fct_settlement_lines"
        ).fetchall()
    packs = [path for path in (lake.outbox / "statements").glob("*/*/*") if path.is_file()]
    total = Measured(
        "**in all**",
        sum(step.wall_seconds for step in steps),
        sum(step.cpu_seconds for step in steps),
        max(step.peak_bytes for step in steps),
    )
    rows = [
        f"| {step.name} | {step.wall_seconds:.1f} | {step.cpu_seconds:.1f}"
        f" | {step.peak_bytes / 1e6:,.0f} |"
        for step in (*steps, total)
    ]
    return "\n".join(
        [
            "# A month's settlement, measured\n",
            f"{size.order_lines:,} order lines, {size.entries:,} points entries, {size.merchants}",
            f"merchants, 6 entities; {machine}, DuckDB limited to {os.environ['MEMORY_LIMIT']}.",
            f"They make {lines:,} settlement lines of {parties} parties, and {len(packs)} files of",
            f"{sum(path.stat().st_size for path in packs) / 1e6:,.0f} MB.",
            "The machine is shared, so cpu seconds say more than wall seconds.\n",
            "| step | wall s | cpu s | peak MB |",
            "|---|---:|---:|---:|",
            *rows,
            "",
        ]
    )
