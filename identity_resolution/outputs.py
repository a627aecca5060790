"""What a night's resolution writes to raw/identity, one query a table.

Every row order is fixed: same input, same bytes.
"""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from identity_resolution import cluster
from identity_resolution.changed import person_keys
from identity_resolution.engine import Engine
from identity_resolution.inputs import PERSON_VALUES, account_key
from identity_resolution.nights import (
    COMPONENT_TABLES,
    ORDERS,
    RESOLVED_NIGHTS,
    RETIRED_COMPONENTS,
    Night,
    show_night,
)
from identity_resolution.settings import BIRTH_KIND, IdentitySettings
from ingest.core.lake import Lake

REASONS = {
    cluster.REFUSED_MEMBER_LIMIT: "member_limit",
    cluster.REFUSED_NAMES_DISAGREE: "names_disagree",
    cluster.REFUSED_CANNOT_LINK: "cannot_link",
}


@dataclass(frozen=True)
class Resolution:
    """What the step writes, in the order it is written; resolved_nights is last, because it is what
    makes a night count (identity_resolution.nights).
    """

    member_links: pa.Table
    link_changes: pa.Table
    refused_links: pa.Table
    held_links: pa.Table
    links: pa.Table
    member_households: pa.Table
    member_figures: pa.Table
    account_states: pa.Table
    blocked_values: pa.Table
    quality: pa.Table
    retired_components: pa.Table
    resolved_nights: pa.Table


def resolution_of(engine: Engine, settings: IdentitySettings, night: Night) -> Resolution:
    """The night's tables from what find_evidence, group_accounts and name_members left.

    Of a night that builds on others, their rows stand in before_<table>, and `touched_components`
    says which of them do not count any more.
    """
    rules = settings.link_rules
    ranks = pa.array(range(len(rules)), pa.int32())
    engine.load("link_rules", pa.table({"link_rank": ranks, "rule_name": list(rules)}))
    reasons = {"verdict": pa.array(REASONS, pa.int32()), "reason": list(REASONS.values())}
    engine.load("reasons", pa.table(reasons))
    for name, query in QUERIES.items():
        columns = ", ".join(COMPONENT_TABLES[name].names)
        resolved = f"select {columns} from ({query}) as resolved"
        resolved = resolved.replace("$account_key", account_key(engine))
        engine.table(f"resolved_{name}", resolved.replace("$person_keys", person_keys(engine)))
        kept = KEPT.format(columns=columns, name=name)
        parts = [f"select {columns} from resolved_{name}", *([kept] if night.builds_on else [])]
        engine.view(f"tonight_{name}", " union all ".join(parts))
    written = "resolved" if night.is_difference else "tonight"
    components = {
        name: engine.rows(f"select * from {written}_{name} order by {ORDERS[name]}").cast(schema)
        for name, schema in COMPONENT_TABLES.items()
    }
    retired = [RETIRED_COMPONENTS.empty_table()]
    if night.is_difference:
        retired = [engine.rows(RETIRED).cast(RETIRED_COMPONENTS)]
    return Resolution(
        **components,
        link_changes=engine.rows(LINK_CHANGES),
        blocked_values=engine.rows(BLOCKED_VALUES),
        quality=engine.rows(QUALITY.format(version=settings.version, **vars(settings.quality))),
        retired_components=pa.concat_tables(retired),
        resolved_nights=pa.table([night.counted], schema=RESOLVED_NIGHTS),
    )


def show_before(engine: Engine, lake: Lake, nights: list[date]) -> None:
    """Show what counts on the last of these nights as before_<table>."""
    show_night(engine, lake, nights, list(COMPONENT_TABLES), "before_")
    blocked = lake.raw("identity", "blocked_values", nights[-1]).parent.parent
    engine.read("all_blocked_values", blocked)
    engine.view("before_blocked_values", BLOCKED_BEFORE, nights[-1])


def show_state(engine: Engine) -> None:
    """Show state_accounts and state_blocked (kind, token, value_key) from before_<table> and
    `kinds`.
    """
    engine.view("state_accounts", "select * from before_account_states")
    value_key = engine.fingerprint(["b.token"])
    engine.table("state_blocked", STATE_BLOCKED.format(value_key=value_key, birth=BIRTH_KIND))


BLOCKED_BEFORE = """
select * from all_blocked_values where cast(load_date as date) = $business_date
"""

KEPT = """
select {columns} from before_{name}
where component not in (select component from touched_components where component is not null)
"""

RETIRED = "select distinct component from touched_components order by component"

STATE_BLOCKED = """
select coalesce(k.kind, {birth}) as kind, b.token, {value_key} as value_key
from before_blocked_values b
left join kinds k on k.value_type = b.value_type
where k.kind is not null or b.value_type = 'birth'
"""

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

# How many different names a member has: names as they sound, so two spellings of one name are one.
MEMBER_FIGURES_QUERY = """
select
    m.member_id,
    count(*) as account_count,
    count(distinct a.name) filter (where a.name >= 0) as name_count,
    min(c.component) as component
from members m
join accounts a on a.account = m.account
join component_names c on c.account = m.account
group by m.member_id
"""

ACCOUNT_STATES_QUERY = """
with keyed as (
    select source, account_id, account, $account_key as account_key from accounts
),
people as (
    select $account_key as account_key, $person_keys from input_people
)
select
    a.source,
    a.account_id,
    s.account_key,
    s.signature,
    {keys},
    c.component
from keyed a
join signatures s on s.account_key = a.account_key
join component_names c on c.account = a.account
left join people p on p.account_key = a.account_key
""".format(keys=", ".join(f"p.{value}_key" for value in PERSON_VALUES))

QUERIES = {
    "member_links": MEMBER_LINKS_QUERY,
    "refused_links": REFUSED_LINKS_QUERY,
    "held_links": LINKS_QUERY.format(
        links="cuts", more=", r.reason", join="join reasons r on r.verdict = l.verdict"
    ),
    "links": LINKS_QUERY.format(links="links", more="", join=""),
    "member_households": "select * from member_households",
    "member_figures": MEMBER_FIGURES_QUERY,
    "account_states": ACCOUNT_STATES_QUERY,
}

BLOCKED_VALUES = """
select value_type, token, account_count from blocked_values
union all
select 'birth' as value_type, token, account_count from default_births
order by value_type, token
"""

QUALITY = """
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
from tonight_member_figures
"""
