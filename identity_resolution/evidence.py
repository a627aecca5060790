"""Evidence: which accounts hold the same value, and whether that makes them the same person.

Every rule looks inside one value (one phone, one document, one plate) and never beyond it, so a
value's links depend on its holders alone. Links are stars around the oldest account of a group, not
all pairs. Accounts are numbered from the oldest on (first_seen_date, source, account_id): a smaller
number is an older account, and every tie in this package falls to the smaller number. Tokens decide
no tie, so that new keys for the tokens change no member.
"""

from datetime import date

from identity_resolution.engine import Engine
from identity_resolution.inputs import account_key
from identity_resolution.settings import IdentitySettings
from ingest.core.errors import Problem


def show_kinds(engine: Engine, settings: IdentitySettings) -> None:
    """Leave `kinds`, the types of values and their rules; Problem if an identifier has none."""
    engine.load("kinds", settings.kinds())
    unknown = engine.rows(UNKNOWN_TYPE).to_pylist()
    if unknown:
        raise Problem(
            f"identifier_type {unknown[0]['identifier_type']} has no rule; add one to evidence in"
            " identity_resolution/settings.yml"
        )


def show_identifiers(engine: Engine, business_date: date) -> None:
    """Leave `held_identifiers`: what accounts hold on a business date by their identifiers, as text
    and by key (source, account_id, account_key, kind, token, value_key, is_verified).
    """
    query = HELD_IDENTIFIERS.format(
        account_key=account_key(engine), value_key=engine.fingerprint(["identifier_token"])
    )
    engine.table("held_identifiers", query, business_date)


def holdings_of(settings: IdentitySettings, identifiers: str) -> str:
    """A query for what accounts hold: identifiers, blocking keys, what households share, as
    (source, account_id, kind, token, is_verified).

    Reads a table or join of the form of held_identifiers `i`, input_people and `default_births`.
    """
    keys = [
        PERSONAL_HOLDINGS.format(value=value, kind=kind)
        for value, kind in personal_kinds(settings).items()
    ]
    return " union all ".join([IDENTIFIER_HOLDINGS.format(identifiers=identifiers), *keys])


def personal_kinds(settings: IdentitySettings) -> dict[str, int]:
    """The kinds of values that come from sealed rows, blocking keys and what households share, by
    their name.
    """
    kinds = settings.kinds()
    names, numbers = kinds["value_type"].to_pylist(), kinds["kind"].to_pylist()
    evidence = {rule.identifier_type for rule in settings.evidence}
    return {name: kind for name, kind in zip(names, numbers, strict=True) if name not in evidence}


def default_births(settings: IdentitySettings) -> str:
    """A query for the birth dates that so many people have that they say nothing."""
    return DEFAULT_BIRTHS.format(most=settings.comparison.default_birth_accounts)


def find_evidence(engine: Engine, settings: IdentitySettings, business_date: date) -> None:
    """Edges between the accounts of `touched` from the values that are not blocked.

    Reads all_holdings, blocked_values and input_decisions besides; leaves `accounts`,
    `shared_values`, `holders`, `edges` (from one shared value each), `must_links`, `cannot_links`,
    `claims` and `connections` (low, high: everything that may make two accounts depend on each
    other).
    """
    for name, query in EVIDENCE.items():
        told = query.replace("$is_child", is_child(settings))
        engine.table(name, told, business_date)


def is_child(settings: IdentitySettings) -> str:
    """An expression over input_accounts: whether somebody is too young for a phone of their own."""
    return (
        f"coalesce(birth_year > extract(year from $business_date)"
        f" - {settings.grown_up_from_years}, false)"
    )


UNKNOWN_TYPE = """
select identifier_type
from input_identifiers
where identifier_type not in (select value_type from kinds where named_rank is not null)
limit 1
"""

# A value that ended (a recycled phone, a sold car) is not held from that date on.
HELD_IDENTIFIERS = """
select
    i.source,
    i.account_id,
    {account_key} as account_key,
    k.kind,
    i.identifier_token as token,
    {value_key} as value_key,
    i.is_verified
from input_identifiers i
join kinds k on k.value_type = i.identifier_type
where i.valid_until_date is null or i.valid_until_date > $business_date
"""

IDENTIFIER_HOLDINGS = """
select i.source, i.account_id, i.kind, i.token, i.is_verified
from {identifiers}
"""

DEFAULT_BIRTHS = """
select birth_token as token, count(*) as account_count
from input_people
where birth_token is not null
group by birth_token
having count(*) > {most}
"""

# A blocking key with a default birth date in it is none.
PERSONAL_HOLDINGS = """
select p.source, p.account_id, {kind} as kind, p.{value}_token as token, false as is_verified
from input_people p
left join default_births d on d.token = p.birth_token
where p.{value}_token is not null and ('{value}' <> 'name_birth' or d.token is null)
"""

ACCOUNTS = """
with people as (
    select
        t.source,
        t.account_id,
        t.first_seen_date,
        t.gender,
        $is_child as is_child,
        p.name_token,
        p.surname_token
    from touched t
    left join input_people p on p.source = t.source and p.account_id = t.account_id
),
names as (
    select name_token, cast(row_number() over (order by name_token) as integer) as name
    from (select distinct name_token from people where name_token is not null)
),
surnames as (
    select surname_token, cast(row_number() over (order by surname_token) as integer) as surname
    from (select distinct surname_token from people where surname_token is not null)
)
select
    cast(row_number() over (
        order by p.first_seen_date nulls last, p.source, p.account_id
    ) - 1 as integer) as account,
    p.source,
    p.account_id,
    p.first_seen_date,
    p.gender,
    p.is_child,
    coalesce(n.name, -1) as name,
    coalesce(s.surname, -1) as surname
from people p
left join names n on n.name_token = p.name_token
left join surnames s on s.surname_token = p.surname_token
"""

HOLDINGS = """
select
    h.kind,
    h.token,
    a.account,
    a.name,
    a.name >= 0 and not a.is_child as is_grown_up,
    max(case when h.is_verified then 1 else 0 end) as verified
from all_holdings h
join accounts a on a.source = h.source and a.account_id = h.account_id
where not exists (select 1 from blocked_values b where b.kind = h.kind and b.token = h.token)
group by h.kind, h.token, a.account, a.name, a.is_child
"""

# Most values are held by one account; leaving them behind first makes everything after this small.
SHARED = """
select
    kind,
    token,
    cast(row_number() over (order by kind, min(account), token) as integer) as value_id
from holdings
group by kind, token
having min(account) < max(account)
"""

HOLDERS = """
select s.value_id, s.kind, h.account, h.name, h.is_grown_up, h.verified
from holdings h
join shared s on s.kind = h.kind and s.token = h.token
"""

# A verified name: the system of an account of that name has checked that the value is its own. Only
# names of grown-ups count for accounts without one.
SHARED_VALUES = """
with counted as (
    select
        value_id,
        count(*) as account_count,
        count_if(name < 0) as unnamed_count,
        min(account) as first_account,
        min(account) filter (where name < 0) as first_unnamed_account,
        min(account) filter (where is_grown_up) as first_named_account,
        min(account) filter (where is_grown_up and verified = 1) as first_verified_account,
        coalesce(
            min(name) filter (where is_grown_up) = max(name) filter (where is_grown_up), false
        ) as has_one_name,
        coalesce(
            min(name) filter (where is_grown_up and verified = 1)
            = max(name) filter (where is_grown_up and verified = 1), false
        ) as has_one_verified_name,
        count_if(is_grown_up) = 0 as has_no_name
    from holders
    group by value_id
)
select
    c.*,
    s.kind,
    s.token,
    k.named_rank,
    k.unnamed_rank,
    k.is_block,
    k.must_names_agree,
    coalesce(k.must_names_agree, false) and c.unnamed_count > 0 as has_open_unnamed,
    case
        when k.unnamed <> 'stay' and c.has_one_name then c.first_named_account
        when k.unnamed in ('join', 'join_verified') and c.has_no_name then c.first_unnamed_account
        when k.unnamed = 'join_verified' and c.has_one_verified_name then c.first_verified_account
    end as unnamed_joins_account
from counted c
join shared s on s.value_id = c.value_id
join kinds k on k.kind = s.kind
"""

EDGES = """
with open_holders as (
    select
        h.value_id,
        h.account,
        h.name,
        v.named_rank,
        v.unnamed_rank,
        v.must_names_agree,
        v.first_account,
        v.unnamed_joins_account
    from holders h
    join shared_values v on v.value_id = h.value_id
    where v.named_rank is not null
),
same_value as (
    select named_rank as link_rank, value_id, first_account as low, account as high
    from open_holders
    where not must_names_agree
),
same_name as (
    select
        named_rank as link_rank,
        value_id,
        min(account) over (partition by value_id, name) as low,
        account as high
    from open_holders
    where must_names_agree and name >= 0
),
unnamed as (
    select
        unnamed_rank as link_rank,
        value_id,
        least(unnamed_joins_account, account) as low,
        greatest(unnamed_joins_account, account) as high
    from open_holders
    where must_names_agree and name < 0 and unnamed_joins_account is not null
)
select *, 0 as weight from same_value where low < high
union all
select *, 0 as weight from same_name where low < high
union all
select *, 0 as weight from unnamed where low < high
"""

# Numbered below zero: no shared value has such a number.
DECIDED = """
select
    -1 - d.decision_number as value_id,
    least(one.account, other.account) as low,
    greatest(one.account, other.account) as high
from input_decisions d
join accounts one on one.source = d.one_source and one.account_id = d.one_account_id
join accounts other on other.source = d.other_source and other.account_id = d.other_account_id
where {kind}
"""

# A blocked value is nobody's: it may not forbid a link either.
CLAIMS = """
with claimed as (
    select distinct k.claim_kind, h.account, h.kind, h.token
    from holdings h
    join kinds k on k.kind = h.kind
    where k.claim_kind is not null and (h.verified = 1 or not k.claims_verified)
)
select
    claim_kind,
    account,
    cast(dense_rank() over (order by kind, token) as integer) as claim,
    cast(row_number() over (
        partition by claim_kind, account order by token
    ) - 1 as integer) as place
from claimed
"""

CONNECTIONS = """
select v.first_account as low, h.account as high
from holders h
join shared_values v on v.value_id = h.value_id
where v.first_account < h.account
union all
select low, high from must_links
"""

# In this order: each reads what stands before it.
EVIDENCE = {
    "accounts": ACCOUNTS,
    "holdings": HOLDINGS,
    "shared": SHARED,
    "holders": HOLDERS,
    "shared_values": SHARED_VALUES,
    "edges": EDGES,
    "must_links": DECIDED.format(kind="d.is_must_link"),
    "cannot_links": DECIDED.format(kind="not d.is_must_link"),
    "claims": CLAIMS,
    "connections": CONNECTIONS,
}
