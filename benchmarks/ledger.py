"""Rating, folding, comparing and posting a long history: everybody, and nights that touch a part.

    python -m benchmarks ledger --members 1000000 --activities 30000000

The history lies in `posted/activities`, as nights left it; the models, folds and postings are those
of every night. A later night has one more day of activities, of the members that it touches; a
night that touches everybody is run after each of them and must post the same.
Compare by ratio: the machine is shared.
"""

import argparse
import multiprocessing
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Measured, measured
from dags.pipeline import step_environment
from exports.publish import POSTINGS
from identity_resolution.birthdays import BIRTHDAYS
from ingest.core.lake import Lake, write_parquet
from ingest.core.settings import load_settings

T = TypeVar("T")
RESULTS = Path(__file__).with_name("ledger.md")
FIRST, NIGHT = date(2024, 11, 1), date(2026, 10, 28)
DAYS = (NIGHT - FIRST).days + 2  # the last two are those of the later nights
EVERYBODY = 100_000
SHARES = {"39 % of members": 39_000, "0.5 % of members": 500}  # of a hundred thousand
STEPS = ("activities", "fold_tiers", "rate", "fold_points", "post")
POSTED = ("int_points_postings", "int_rating_postings", "int_tier_postings")

# Numbers that depend on nothing but the row: the same history on every machine. Six of a hundred
# activities spend points; three of a hundred orders are refunded, half of them whole.
CHANCE = "(hash({row}, {salt}) % 1000000)"
NUMBERED = """
    select
        range as n,
        {account} as account,
        {day} as day_number,
        {kind} as kind,
        ({paid})::bigint as paid
    from range({activities})
"""
ACTIVITIES = """
with happened as (
    select
        n, n::varchar as document_no, account, day_number, paid, null::bigint as reversed_n,
        case
            when kind < 60000 then 'points_redemption'
            when account % 3 = 0 then 'purchase'
            when account % 3 = 1 then 'stay'
            else 'parking_session'
        end as activity_type
    from ({numbered})
    union all
    select
        n, 'R' || n as document_no, account, day_number + 1 + n % 20 as day_number,
        -if(n % 2 = 0, paid, paid // 2) as paid, n as reversed_n, 'refund' as activity_type
    from ({numbered})
    where kind >= 60000 and kind % 33 = 0
),
activities as (
    select
        md5(document_no) as activity_id,
        case when account % 3 = 0 then 'pos' when account % 3 = 1 then 'hotel' else 'parking' end
            as source,
        case when account % 3 = 0 then 'mall' when account % 3 = 1 then 'hotel' else 'parking' end
            as business,
        document_no,
        'A' || account as account_id,
        activity_type,
        (date '{first}' + day_number::integer + interval (n % 43200) second)::timestamp
            as occurred_at,
        (date '{first}' + day_number::integer)::date as business_date,
        md5(reversed_n::varchar) as reverses_activity_id,
        'U1' as unit_id,
        'S' || (n % 300) as merchant_id,
        'store' as channel,
        null::varchar as category,
        null::bigint as quantity,
        if(activity_type = 'points_redemption', 0, paid)::bigint as gross_fen,
        0::bigint as discount_fen,
        if(activity_type = 'points_redemption', 0, paid)::bigint as paid_fen,
        if(activity_type = 'points_redemption', 1 + paid // 200, 0)::bigint as points,
        'history' as source_file,
        n as source_row,
        (date '{first}' + day_number::integer)::date as load_date,
        null::date as replaces_posted_date,
        false as is_withdrawn
    from happened
)
select * from activities
where business_date {which}
and hash('M' || lpad((substr(account_id, 2)::bigint // 2 % {members})::varchar, 15, '0')) % 100000
    < {share}
"""
ACCOUNTS = """
select
    case when range % 3 = 0 then 'pos' when range % 3 = 1 then 'hotel' else 'parking' end as source,
    'A' || range as account_id,
    'M' || lpad((range // 2 % {members})::varchar, 15, '0') as member_id
from range({accounts})
order by source, account_id
"""


@dataclass(frozen=True)
class Size:
    """How long the history is."""

    members: int
    activities: int

    @property
    def accounts(self) -> int:
        """Two a member, and every fifth member has one more."""
        return self.members * 22 // 10


def main(argv: Sequence[str]) -> int:
    """Measure and write the page; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks ledger", description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--activities", type=int, default=30_000_000)
    parser.add_argument("--memory", default="6GB", help="limit of each engine")
    options = parser.parse_args(argv)
    size = Size(options.members, options.activities)
    with tempfile.TemporaryDirectory(prefix="onemember-ledger-") as folder:
        lake = Lake(Path(folder) / "lake")
        own = {"KEYS_FILE": str(Path(folder) / "keys.json"), "MEMORY_LIMIT": options.memory}
        os.environ.update(step_environment(lake.root), **own, RULES_DIR=str(rules(Path(folder))))
        prepare(lake, size)
        nights = {"everybody, from nothing": run_night(lake, NIGHT, None)}
        derived = [members(lake)]
        apart(keep_postings, lake, NIGHT)
        night = NIGHT
        for name, share in SHARES.items():
            night += timedelta(days=1)
            write_links(lake, size, night, share)
            nights[name] = run_night(lake, night, night - timedelta(days=1))
            touched = apart(posted_digest, lake)
            derived.append(members(lake))
            run_night(lake, night, night - timedelta(days=1), is_everything=True)
            if apart(posted_digest, lake) != touched:
                sys.exit(f"error: {name} and everybody post differently")
            apart(keep_postings, lake, night)
    text = page(size, nights, derived)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


def rules(folder: Path) -> Path:
    """The rule books, but for migrations: nothing of the history lies inside a legacy balance."""
    copied = Path(shutil.copytree(load_settings().rules, folder / "rules"))
    (copied / "programme" / "migrations.yml").write_text("migrations: []\n", encoding="utf-8")
    return copied


def prepare(lake: Lake, size: Size) -> None:
    """A lake with a history, its members and the rules; nothing of it is posted yet."""
    measured("keys", ["-m", "ingest", "keys"])
    measured("open", ["-m", "ingest", "open", "--date", str(NIGHT), "--without-deliveries"])
    measured("stage", ["-m", "dbt.cli.main", "run", "--selector", "stage"])
    print("  history …", file=sys.stderr, flush=True)
    chance = {
        "account": f"({CHANCE.format(row='range', salt=1)} * {size.accounts} // 1000000"
        f" + range * 7919) % {size.accounts}",
        "day": f"{CHANCE.format(row='range', salt=2)} * {DAYS} // 1000000",
        "kind": CHANCE.format(row="range", salt=3),
        "paid": f"100 + {CHANCE.format(row='range', salt=4)} // 20",
    }
    numbered = NUMBERED.format(activities=size.activities, **chance)
    nights = [("<=", NIGHT - timedelta(days=1), EVERYBODY)]
    nights += [
        ("=", NIGHT + timedelta(days=number), share) for number, share in enumerate(SHARES.values())
    ]
    for which, day, share in nights:
        query = ACTIVITIES.format(
            numbered=numbered, members=size.members, first=FIRST, share=share,
            which=f"{which} date '{day}'",
        )  # fmt: skip
        path = lake.posted("activities", day)
        unsorted = path.with_name("unsorted")
        copy(query, unsorted)  # together with the sort it does not fit into memory
        order = "source, account_id, activity_id"
        read = f"read_parquet('{unsorted}', hive_partitioning = false)"
        copy(f"select * from {read} order by {order}", path)
        unsorted.unlink()
    write_links(lake, size, NIGHT, 0)


def write_links(lake: Lake, size: Size, night: date, share: int) -> None:
    """Members of a night; the accounts of a share of them count as linked anew."""
    accounts = ACCOUNTS.format(members=size.members, accounts=size.accounts)
    links = "select *, 'alone' as rule, 0::bigint as evidence_count, account_id as component"
    copy(f"{links} from ({accounts})", lake.raw("identity", "member_links", night))
    changed = (
        f"select *, member_id as previous_member_id, 'manual' as reason from ({accounts})"
        f" where hash(member_id) % 100000 < {share}"
    )
    copy(changed, lake.raw("identity", "link_changes", night))
    nights = pa.table({"resolved_date": pa.array([night], pa.date32())})
    write_parquet(nights, lake.raw("identity", "resolved_nights", night))
    retired = pa.table({"component": pa.array([], pa.string())})
    write_parquet(retired, lake.raw("identity", "retired_components", night))
    write_parquet(BIRTHDAYS.empty_table(), lake.birthdays)


def copy(query: str, path: Path) -> None:
    """Write a query's rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    spill = path.parents[3] / "work" / "spill_benchmark"
    config = {"memory_limit": os.environ["MEMORY_LIMIT"], "temp_directory": str(spill)}
    with duckdb.connect(config=config) as connection:
        connection.execute(f"copy ({query}) to '{path}' (format parquet, compression zstd)")


def run_night(
    lake: Lake, night: date, before: date | None, is_everything: bool = False
) -> dict[str, Measured]:
    """The steps of a night, each a process of its own."""
    [tonight] = pq.read_table(lake.tonight).to_pylist()
    tonight |= {"business_date": night, "previous_date": before or night - timedelta(days=1)}
    tonight["is_everything_touched"] = is_everything or before is None
    schema = pq.read_schema(lake.tonight)
    write_parquet(pa.Table.from_pylist([tonight], schema), lake.tonight)
    measured("rules", ["-m", "ingest", "rules", "--date", str(night)])
    measured("tonight", ["-m", "dbt.cli.main", "run", "--select", "int_tonight"])
    commands = {
        "activities": ["-m", "dbt.cli.main", "run", "--selector", "activities"],
        "fold_tiers": ["-m", "ledger", "tiers", "--date", str(night)],
        "rate": ["-m", "dbt.cli.main", "run", "--selector", "rate"],
        "fold_points": ["-m", "ledger", "points", "--date", str(night)],
        "post": ["-m", "dbt.cli.main", "run", "--selector", "postings"],
    }
    return {name: measured(name, commands[name]) for name in STEPS}


def members(lake: Lake) -> int:
    """How many members the night derived: those touched, and those with something falling due."""
    return pq.read_metadata(lake.handover("int_touched_members")).num_rows


def apart(function: Callable[..., T], *arguments: object) -> T:
    """What the function returns, run in a process of its own: a step that is measured starts with
    the memory of the process that starts it.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def keep_postings(lake: Lake, night: date) -> None:
    """Post what the night would, as publishing does."""
    with duckdb.connect(str(lake.work / "onemember.duckdb"), read_only=True) as database:
        for table, (relation, key) in POSTINGS.items():
            if relation in POSTED:
                path = lake.posted(table, night)
                path.parent.mkdir(parents=True, exist_ok=True)
                order = ", ".join(key)
                database.execute(
                    f"copy (select * from {relation} order by {order}) to '{path}'"
                    " (format parquet, compression zstd)"
                )


def posted_digest(lake: Lake) -> list[tuple[int, int]]:
    """Rows of each posting and a number that changes with any of them."""
    with duckdb.connect(str(lake.work / "onemember.duckdb"), read_only=True) as database:
        return [
            row
            for relation in POSTED
            for row in database.execute(
                f"select count(*), coalesce(sum(hash(t::varchar) >> 8), 0) from {relation} t"
            ).fetchall()
        ]


def page(size: Size, nights: dict[str, dict[str, Measured]], derived: list[int]) -> str:
    """The table of the nights."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    head = " | ".join(STEPS)
    lines = [
        "# The ledger, measured\n",
        f"{size.members:,} members, {size.accounts:,} accounts, {size.activities:,} activities",
        "and refunds of three in a hundred of their orders,",
        f"{DAYS} days, {machine}, engines limited to {os.environ['MEMORY_LIMIT']}.",
        "Compare by ratio: the machine is shared. Every part posts what everybody posts.\n",
        "Members are derived, too, if something of theirs falls due on the day, such as points.\n",
        f"| touched | members derived | {head} | in all s | cpu s | peak MB | of everybody |",
        f"|---|{'---:|' * (len(STEPS) + 5)}",
    ]
    whole = sum(step.wall_seconds for step in next(iter(nights.values())).values())
    for (name, steps), count in zip(nights.items(), derived, strict=True):
        wall = sum(step.wall_seconds for step in steps.values())
        cpu = sum(step.cpu_seconds for step in steps.values())
        peak = max(step.peak_bytes for step in steps.values())
        each = " | ".join(f"{steps[step].wall_seconds:.1f}" for step in STEPS)
        together = f"{wall:.1f} | {cpu:.1f} | {peak / 1e6:,.0f} | {wall / whole:.1%}"
        lines.append(f"| {name} | {count:,} | {each} | {together} |")
    return "\n".join([*lines, ""])
