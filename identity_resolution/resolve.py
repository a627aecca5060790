"""The step resolve_identities: identifiers of the night in, member links, their changes and refused
links out.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from identity_resolution import cluster
from identity_resolution.cluster import group_accounts
from identity_resolution.engine import DuckDbEngine, Engine, SparkEngine
from identity_resolution.model import IdentitySettings, find_evidence
from identity_resolution.registry import name_members
from ingest.core.lake import Lake, write_parquet

REASONS = {
    cluster.REFUSED_MEMBER_LIMIT: "member_limit",
    cluster.REFUSED_NAMES_DISAGREE: "names_disagree",
}


LINK_COLUMNS = pa.schema(
    [
        ("source", pa.string()),
        ("account_id", pa.string()),
        ("member_id", pa.string()),
        ("rule", pa.string()),
        ("evidence_count", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Resolution:
    """What the step writes, in the order it is written; columns as in the queries below."""

    member_links: pa.Table
    link_changes: pa.Table
    refused_links: pa.Table


def resolve_night(
    lake: Lake,
    business_date: date,
    settings: IdentitySettings,
    memory_limit: str,
    engine: str = "duckdb",
) -> Resolution:
    """Resolve all accounts of a night and replace the night's partitions of raw/identity."""
    spill = lake.work / "spill_identity"
    if engine == "spark":
        from ingest.core.spark import spark_problem  # noqa: PLC0415 - installed for Spark only

        with spark_problem("Spark cannot resolve identities"):
            resolution = _resolve_lake(SparkEngine(spill), lake, business_date, settings)
    else:
        with duckdb.connect(
            config={"memory_limit": memory_limit, "temp_directory": str(spill)}
        ) as connection:
            resolution = _resolve_lake(DuckDbEngine(connection), lake, business_date, settings)
    for name, table in vars(resolution).items():
        write_parquet(table, lake.raw("identity", name, business_date))
    return resolution


def resolve(engine: Engine, business_date: date, settings: IdentitySettings) -> Resolution:
    """Resolve the accounts of input_accounts, input_identifiers, input_names and input_posted."""
    find_evidence(engine, settings, business_date)
    group_accounts(engine, settings)
    name_members(engine, business_date)
    rules = settings.link_rules
    ranks = pa.array(range(len(rules)), pa.int32())
    engine.load("link_rules", pa.table({"link_rank": ranks, "rule_name": list(rules)}))
    reasons = {"verdict": pa.array(REASONS, pa.int32()), "reason": list(REASONS.values())}
    engine.load("reasons", pa.table(reasons))
    return Resolution(
        member_links=engine.rows(MEMBER_LINKS).cast(LINK_COLUMNS),
        link_changes=engine.rows(LINK_CHANGES),
        refused_links=engine.rows(REFUSED_LINKS),
    )


def _resolve_lake(
    engine: Engine, lake: Lake, business_date: date, settings: IdentitySettings
) -> Resolution:
    """Show the lake's files as the tables that `resolve` reads, and resolve them."""
    for name in ("accounts", "identifiers"):
        engine.model(f"input_{name}", f"int_{name}", lake)
    folders = sorted((lake.root / "restricted").glob("*/*"))
    versions = [_name_versions(engine, folder, number) for number, folder in enumerate(folders)]
    engine.table("name_versions", " union all ".join(filter(None, [NO_NAMES, *versions])))
    engine.table("input_names", NAMES, business_date)
    posted = lake.posted("member_links", business_date).parent.parent
    has_posted = engine.read("posted_versions", posted)
    engine.table("input_posted", POSTED if has_posted else NOTHING_POSTED, business_date)
    return resolve(engine, business_date, settings)


def _name_versions(engine: Engine, folder: Path, number: int) -> str:
    """A query for the name tokens of one restricted table; empty for a table about something else
    than accounts.
    """
    columns = engine.read(f"restricted_{number}", folder)
    if not {"account_id", "version", "name_token", "load_date"} <= set(columns):
        return ""
    return (
        f"select '{folder.parent.name}' as source, '{folder.name}' as table_name, account_id,"
        f" version, name_token, cast(load_date as date) as load_date"
        f" from restricted_{number} where account_id is not null"
    )


# The newest version of an account counts, also where it says that there is no name any more; a
# table without names takes away none that another gives. Of two names that count equally the larger
# token stays, so that the order of rows and tables decides nothing.
NAMES = """
with latest as (
    select
        source,
        account_id,
        name_token,
        row_number() over (
            partition by source, table_name, account_id
            order by version desc, load_date desc, name_token desc nulls last
        ) as version_rank
    from name_versions
    where load_date <= $business_date
)
select source, account_id, max(name_token) as name_token
from latest
where version_rank = 1
group by source, account_id
"""

NO_NAMES = """
select
    cast(null as string) as source,
    cast(null as string) as table_name,
    cast(null as string) as account_id,
    cast(null as bigint) as version,
    cast(null as string) as name_token,
    cast(null as date) as load_date
where false
"""

POSTED = """
select source, account_id, max_by(member_id, posted_date) as member_id
from posted_versions
where posted_date < $business_date
group by source, account_id
"""

NOTHING_POSTED = """
select
    cast(null as string) as source,
    cast(null as string) as account_id,
    cast(null as string) as member_id
where false
"""

# rule: the strongest evidence that ties the account to its member. evidence_count: how many shared
# values do.
MEMBER_LINKS = """
with ends as (
    select low as account, link_rank, value_id from links
    union all
    select high as account, link_rank, value_id from links
),
ties as (
    select account, min(link_rank) as link_rank, count(distinct value_id) as evidence_count
    from ends
    group by account
)
select
    a.source,
    a.account_id,
    m.member_id,
    coalesce(r.rule_name, 'alone') as rule,
    coalesce(t.evidence_count, 0) as evidence_count
from members m
join accounts a on a.account = m.account
left join ties t on t.account = m.account
left join link_rules r on r.link_rank = t.link_rank
order by a.source, a.account_id
"""

LINK_CHANGES = """
select a.source, a.account_id, m.member_id, m.previous_member_id, m.reason
from members m
join accounts a on a.account = m.account
where m.reason is not null
order by a.source, a.account_id
"""

# One row a value and reason. account_count: the holders of the value; of a link refused by a guard,
# the accounts at its ends.
REFUSED_LINKS = """
with values_refused as (
    select
        rule as link_rank,
        value_id,
        account_count,
        case
            when is_blocked then 'too_many_accounts'
            when not has_open_unnamed or unnamed_joins_account is not null then null
            when has_one_name then 'unnamed'
            when has_no_name then 'nobody_named'
            else 'several_names'
        end as reason
    from shared_values
),
cut_ends as (
    select link_rank, value_id, verdict, low as account from cuts
    union all
    select link_rank, value_id, verdict, high as account from cuts
),
cuts_refused as (
    select c.link_rank, c.value_id, count(distinct c.account) as account_count, r.reason
    from cut_ends c
    join reasons r on r.verdict = c.verdict
    group by c.link_rank, c.value_id, r.reason
),
refused as (
    select * from values_refused where reason is not null
    union all
    select * from cuts_refused
)
select n.rule_name as rule, e.identifier_type, r.account_count, r.reason, v.identifier_token
from refused r
join shared_values v on v.value_id = r.value_id
join evidence_rules e on e.rule = v.rule
join link_rules n on n.link_rank = r.link_rank
order by rule, e.identifier_type, v.identifier_token, r.reason
"""
