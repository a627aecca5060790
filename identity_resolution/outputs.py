"""What a night's resolution writes to raw/identity, one query a table.

Tables that are about components keep last night's rows of those in which nothing changed, so every
night's partition is whole. Every row order is fixed: same input, same bytes.
"""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from identity_resolution import cluster
from identity_resolution.engine import Engine
from identity_resolution.settings import IdentitySettings
from ingest.core.lake import Lake

STRINGS = pa.string()
MEMBER_LINKS = pa.schema(
    [
        *((name, STRINGS) for name in ("source", "account_id", "member_id", "rule")),
        ("evidence_count", pa.int64()),
        ("component", STRINGS),
    ]
)
LINK_ENDS = ("low_source", "low_account_id", "high_source", "high_account_id")
LINKS = pa.schema(
    [
        *((name, STRINGS) for name in (*LINK_ENDS, "rule", "value_type", "token")),
        ("weight_millibits", pa.int64()),
        ("component", STRINGS),
    ]
)
HELD_LINKS = pa.schema([*LINKS, ("reason", STRINGS)])
REFUSED_LINKS = pa.schema(
    [
        ("rule", STRINGS),
        ("identifier_type", STRINGS),
        ("account_count", pa.int64()),
        ("reason", STRINGS),
        ("identifier_token", STRINGS),
        ("component", STRINGS),
    ]
)
MEMBER_HOUSEHOLDS = pa.schema(
    [
        ("member_id", STRINGS),
        ("household_id", STRINGS),
        *((f"shares_{what}", pa.bool_()) for what in ("address", "plate", "mobile")),
        ("component", STRINGS),
    ]
)
ACCOUNT_STATES = pa.schema(
    [
        ("source", STRINGS),
        ("account_id", STRINGS),
        ("signature", pa.int64()),
        ("component", STRINGS),
    ]
)
REASONS = {
    cluster.REFUSED_MEMBER_LIMIT: "member_limit",
    cluster.REFUSED_NAMES_DISAGREE: "names_disagree",
    cluster.REFUSED_CANNOT_LINK: "cannot_link",
}


@dataclass(frozen=True)
class Resolution:
    """What the step writes, in the order it is written."""

    member_links: pa.Table
    link_changes: pa.Table
    refused_links: pa.Table
    held_links: pa.Table
    links: pa.Table
    member_households: pa.Table
    blocked_values: pa.Table
    quality: pa.Table
    account_states: pa.Table


def resolution_of(engine: Engine, settings: IdentitySettings, has_before: bool) -> Resolution:
    """The night's tables from what find_evidence, group_accounts and name_members left.

    has_before: the rows of the night before stand in before_<table> and `touched_components` says
    which of them are resolved again.
    """
    rules = settings.link_rules
    ranks = pa.array(range(len(rules)), pa.int32())
    engine.load("link_rules", pa.table({"link_rank": ranks, "rule_name": list(rules)}))
    reasons = {"verdict": pa.array(REASONS, pa.int32()), "reason": list(REASONS.values())}
    engine.load("reasons", pa.table(reasons))

    def whole(name: str, schema: pa.Schema, order: str) -> pa.Table:
        query = QUERIES[name]
        if has_before:
            columns = ", ".join(schema.names)
            query = f"select {columns} from ({query}) as n union all {KEPT}".format(
                columns=columns, table=f"before_{name}"
            )
        engine.table(f"tonight_{name}", query)
        return engine.rows(f"select * from tonight_{name} order by {order}").cast(schema)

    ends = ", ".join(LINK_ENDS)
    quality = QUALITY.format(version=settings.version, **vars(settings.quality))
    member_links = whole("member_links", MEMBER_LINKS, "source, account_id")
    return Resolution(
        member_links=member_links,
        link_changes=engine.rows(LINK_CHANGES),
        refused_links=whole(
            "refused_links", REFUSED_LINKS, "rule, identifier_type, identifier_token, reason"
        ),
        held_links=whole("held_links", HELD_LINKS, f"{ends}, rule, token"),
        links=whole("links", LINKS, f"{ends}, rule, token"),
        member_households=whole("member_households", MEMBER_HOUSEHOLDS, "member_id"),
        blocked_values=engine.rows(BLOCKED_VALUES),
        quality=engine.rows(quality),
        account_states=whole("account_states", ACCOUNT_STATES, "source, account_id"),
    )


def show_before(engine: Engine, lake: Lake, before: date) -> bool:
    """Show the tables of an earlier night as before_<table>, state_accounts, state_blocked
    and state_births; False if there is no such night, or one of another form.
    """
    for name in (*QUERIES, "blocked_values"):
        if not lake.raw("identity", name, before).is_file():
            return False
        folder = lake.raw("identity", name, before).parent.parent
        engine.read(f"all_{name}", folder)
        engine.view(
            f"before_{name}",
            f"select * from all_{name} where cast(load_date as date) = $business_date",
            before,
        )
    engine.table("state_accounts", "select * from before_account_states")
    engine.table("state_blocked", STATE_BLOCKED)
    engine.table("state_births", STATE_BIRTHS)
    return True


KEPT = """
select {columns} from {table}
where component not in (select component from touched_components where component is not null)
"""

STATE_BLOCKED = """
select k.kind, b.token
from before_blocked_values b
join kinds k on k.value_type = b.value_type
"""

STATE_BIRTHS = "select token from before_blocked_values where value_type = 'birth'"

# rule: the strongest evidence that ties the account to its member. evidence_count: how many shared
# values do.
MEMBER_LINKS_QUERY = """
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
    coalesce(t.evidence_count, 0) as evidence_count,
    c.component
from members m
join accounts a on a.account = m.account
join component_names c on c.account = m.account
left join ties t on t.account = m.account
left join link_rules r on r.link_rank = t.link_rank
"""

LINK_CHANGES = """
select a.source, a.account_id, m.member_id, m.previous_member_id, m.reason
from members m
join accounts a on a.account = m.account
where m.reason is not null
order by a.source, a.account_id
"""

LINKS_QUERY = """
select
    low.source as low_source,
    low.account_id as low_account_id,
    high.source as high_source,
    high.account_id as high_account_id,
    n.rule_name as rule,
    k.value_type,
    v.token,
    e.weight as weight_millibits,
    c.component
    {more}
from {links} l
join accounts low on low.account = l.low
join accounts high on high.account = l.high
join component_names c on c.account = l.low
join link_rules n on n.link_rank = l.link_rank
join all_edges e
    on e.link_rank = l.link_rank and e.value_id = l.value_id and e.low = l.low and e.high = l.high
left join shared_values v on v.value_id = l.value_id
left join kinds k on k.kind = v.kind
{join}
"""

# One row a value and reason. account_count: the holders of the value; of a link refused by a guard,
# the accounts at its ends.
REFUSED_LINKS_QUERY = """
with values_refused as (
    select
        v.named_rank as link_rank,
        v.value_id,
        v.account_count,
        case
            when not v.has_open_unnamed or v.unnamed_joins_account is not null then null
            when v.has_one_name then 'unnamed'
            when v.has_no_name then 'nobody_named'
            else 'several_names'
        end as reason,
        v.first_account
    from shared_values v
    where v.named_rank is not null
),
cut_ends as (
    select link_rank, value_id, verdict, low as account, low from cuts
    union all
    select link_rank, value_id, verdict, high as account, low from cuts
),
cuts_refused as (
    select
        c.link_rank,
        c.value_id,
        count(distinct c.account) as account_count,
        r.reason,
        min(c.low) as first_account
    from cut_ends c
    join reasons r on r.verdict = c.verdict
    where c.link_rank > 0
    group by c.link_rank, c.value_id, r.reason
),
refused as (
    select * from values_refused where reason is not null
    union all
    select * from cuts_refused
)
select
    n.rule_name as rule,
    k.value_type as identifier_type,
    r.account_count,
    r.reason,
    v.token as identifier_token,
    c.component
from refused r
join shared_values v on v.value_id = r.value_id
join kinds k on k.kind = v.kind
join link_rules n on n.link_rank = r.link_rank
join component_names c on c.account = r.first_account
"""

ACCOUNT_STATES_QUERY = """
select s.source, s.account_id, s.signature, c.component
from signatures s
join accounts a on a.source = s.source and a.account_id = s.account_id
join component_names c on c.account = a.account
"""

QUERIES = {
    "member_links": MEMBER_LINKS_QUERY,
    "refused_links": REFUSED_LINKS_QUERY,
    "held_links": LINKS_QUERY.format(
        links="cuts", more=", r.reason", join="join reasons r on r.verdict = l.verdict"
    ),
    "links": LINKS_QUERY.format(links="links", more="", join=""),
    "member_households": "select * from member_households",
    "account_states": ACCOUNT_STATES_QUERY,
}

BLOCKED_VALUES = """
select value_type, token, account_count from blocked_values
union all
select 'birth' as value_type, token, account_count from default_births
order by value_type, token
"""

# Names as they sound: two spellings of one name are one.
QUALITY = """
with members_of_tonight as (
    select
        l.member_id,
        count(*) as account_count,
        count(distinct p.name_token) as name_count
    from tonight_member_links l
    left join input_people p on p.source = l.source and p.account_id = l.account_id
    group by l.member_id
)
select
    '{version}' as settings_version,
    cast(coalesce(sum(account_count), 0) as bigint) as account_count,
    count(*) as member_count,
    cast(coalesce(max(account_count), 0) as bigint) as largest_member_account_count,
    cast(count_if(name_count > {most_names}) as bigint) as members_over_names_count,
    (select count(*) from tonight_held_links) as held_link_count,
    (select count(*) from blocked_values) as blocked_value_count,
    cast({most_names} as bigint) as most_names,
    cast({most_members_over_names_per_million} as bigint) as most_members_over_names_per_million,
    cast({largest_member_growth} as bigint) as largest_member_growth,
    cast({largest_member_growth_from} as bigint) as largest_member_growth_from
from members_of_tonight
"""
