"""The step resolve_identities: identifiers of the night in, member links, their changes and refused
links out.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from identity_resolution import cluster
from identity_resolution.model import Evidence, IdentitySettings, Int32, find_evidence, load_table
from identity_resolution.registry import name_members
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_parquet

REASONS = {
    cluster.REFUSED_MEMBER_LIMIT: "member_limit",
    cluster.REFUSED_NAMES_DISAGREE: "names_disagree",
}


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
    spill = str(lake.work / "spill_identity")
    with duckdb.connect(
        config={"memory_limit": memory_limit, "temp_directory": spill}
    ) as connection:
        read_inputs(connection, lake, business_date, engine)
        resolution = resolve(connection, business_date, settings)
    for name, table in vars(resolution).items():
        write_parquet(table, lake.raw("identity", name, business_date))
    return resolution


def read_inputs(
    connection: duckdb.DuckDBPyConnection, lake: Lake, business_date: date, engine: str = "duckdb"
) -> None:
    """Show the lake's files as the tables that `resolve` reads."""
    for name in ("accounts", "identifiers"):
        path = lake.handover(f"int_{name}")
        files = [path] if path.is_file() else []
        if engine == "spark":
            files = sorted(lake.work.glob(f"warehouse/*.db/int_{name}/*.parquet"))
        if not files:
            raise Problem(f"{path} is missing; run the stage step for {business_date} first")
        connection.read_parquet([str(file) for file in files]).create_view(
            f"input_{name}", replace=True
        )
    connection.execute(
        "create or replace temp table name_versions"
        " (source varchar, table_name varchar, account_id varchar, name_token varchar,"
        " load_date date)"
    )
    for table_folder in sorted((lake.root / "restricted").glob("*/*")):
        _read_name_versions(connection, table_folder)
    connection.execute(NAMES, {"business_date": business_date})
    connection.execute(
        "create or replace temp table posted_versions"
        " (source varchar, account_id varchar, member_id varchar, posted_date date)"
    )
    posted = lake.posted("member_links", business_date).parent.parent
    if any(posted.glob("*/*.parquet")):
        connection.execute(
            """insert into posted_versions
            select source, account_id, member_id, posted_date
            from read_parquet(
                $files, hive_partitioning = true, hive_types = {posted_date: date}
            )""",
            {"files": f"{posted}/*/*.parquet"},
        )
    connection.execute(POSTED, {"business_date": business_date})


def resolve(
    connection: duckdb.DuckDBPyConnection, business_date: date, settings: IdentitySettings
) -> Resolution:
    """Resolve the accounts of input_accounts, input_identifiers, input_names and input_posted."""
    evidence = find_evidence(connection, settings, business_date)
    root, verdict = cluster.join_accounts(evidence, settings.slot_starts, len(settings.evidence))
    accounts = np.arange(len(root), dtype=np.int32)
    load_table(connection, "groups", pa.table({"account": accounts, "root": root}))
    name_members(connection, business_date)
    _register_links(connection, settings, evidence, verdict)
    return Resolution(
        member_links=connection.execute(MEMBER_LINKS).to_arrow_table(),
        link_changes=connection.execute(LINK_CHANGES).to_arrow_table(),
        refused_links=connection.execute(REFUSED_LINKS).to_arrow_table(),
    )


def _read_name_versions(connection: duckdb.DuckDBPyConnection, table_folder: Path) -> None:
    """Add the name tokens of one restricted table; a table about something else than accounts has
    none.
    """
    files = f"{table_folder}/load_date=*/part.parquet"
    if not any(table_folder.glob("load_date=*/part.parquet")):
        return
    versions = connection.read_parquet(files, hive_partitioning=True, union_by_name=True)
    if not {"account_id", "name_token"} <= set(versions.columns):
        return
    connection.execute(
        """insert into name_versions
        select $source, $table, account_id, name_token, load_date
        from read_parquet(
            $files, hive_partitioning = true, union_by_name = true, hive_types = {load_date: date}
        )
        where account_id is not null""",
        {"source": table_folder.parent.name, "table": table_folder.name, "files": files},
    )


def _register_links(
    connection: duckdb.DuckDBPyConnection,
    settings: IdentitySettings,
    evidence: Evidence,
    verdict: Int32,
) -> None:
    """Show joined edges as `links`, refused ones as `cuts`, and the words for both."""
    columns = {
        "rank": evidence.rank,
        "value_id": evidence.value_id,
        "low": evidence.low,
        "high": evidence.high,
        "verdict": verdict,
    }
    edges = pa.table(columns)
    load_table(connection, "links", edges.filter(pa.array(verdict == cluster.JOINED)))
    load_table(connection, "cuts", edges.filter(pa.array(verdict != cluster.JOINED)))
    rules = settings.link_rules
    ranks = pa.array(range(len(rules)), pa.int32())
    load_table(connection, "link_rules", pa.table({"rank": ranks, "rule_name": list(rules)}))
    reasons = {"verdict": pa.array(REASONS, pa.int32()), "reason": list(REASONS.values())}
    load_table(connection, "reasons", pa.table(reasons))


# The latest delivery of a table counts, also where it says that there is no name any more; a table
# without names takes away none that another table gives. Of two names that count equally the larger
# token stays, so that the order of rows and tables decides nothing.
NAMES = """
create or replace temp table input_names as
with latest as (
    select
        source,
        account_id,
        arg_max_null(
            name_token, cast(load_date as varchar) || coalesce(name_token, '')
        ) as name_token
    from name_versions
    where load_date <= $business_date
    group by source, table_name, account_id
)
select source, account_id, max(name_token) as name_token
from latest
group by source, account_id
"""

POSTED = """
create or replace temp table input_posted as
select source, account_id, arg_max(member_id, posted_date) as member_id
from posted_versions
where posted_date < $business_date
group by source, account_id
"""

# rule: the strongest evidence that ties the account to its member. evidence_count: how many shared
# values do.
MEMBER_LINKS = """
with ends as (
    select low as account, "rank", value_id from links
    union all
    select high as account, "rank", value_id from links
),
ties as (
    select account, min("rank") as "rank", count(distinct value_id) as evidence_count
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
left join link_rules r on r."rank" = t."rank"
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
        rule as "rank",
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
    select "rank", value_id, verdict, low as account from cuts
    union all
    select "rank", value_id, verdict, high as account from cuts
),
cuts_refused as (
    select c."rank", c.value_id, count(distinct c.account) as account_count, r.reason
    from cut_ends c
    join reasons r on r.verdict = c.verdict
    group by c."rank", c.value_id, r.reason
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
join link_rules n on n."rank" = r."rank"
order by rule, e.identifier_type, v.identifier_token, r.reason
"""
