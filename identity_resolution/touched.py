"""Which accounts have to be resolved again tonight, and which values link nobody.

A component holds everything that can depend on each other: accounts that share a value which is not
blocked, directly or by way of others. Whatever a night decides of an account follows from its
component alone, so a component in which nothing changed keeps last night's rows, and one in which
something changed is resolved again as a whole. The result is that of resolving everybody.
"""

from datetime import date

from identity_resolution.engine import Engine
from identity_resolution.evidence import is_child
from identity_resolution.inputs import TOKEN_COLUMNS
from identity_resolution.settings import IdentitySettings

CHANGED = """
select s.source, s.account_id
from signatures s
left join state_accounts b on b.source = s.source and b.account_id = s.account_id
where b.signature is null or b.signature <> s.signature
"""

RELEVANT_VALUES = """
select h.kind, h.token
from all_holdings h
join changed c on c.source = h.source and c.account_id = h.account_id
union
select kind, token from state_blocked
"""

# Everything is new: no need to ask which values matter.
ALL_BLOCKED = """
with counted as (
    select kind, token, count(distinct source || ':' || account_id) as account_count
    from all_holdings
    group by kind, token
    having count(*) > 1
)
select c.kind, k.value_type, c.token, c.account_count
from counted c
join kinds k on k.kind = c.kind
where c.account_count > k.account_limit
"""

RELEVANT_BLOCKED = """
with counted as (
    select h.kind, h.token, count(distinct h.source || ':' || h.account_id) as account_count
    from all_holdings h
    join relevant_values r on r.kind = h.kind and r.token = h.token
    group by h.kind, h.token
)
select c.kind, k.value_type, c.token, c.account_count
from counted c
join kinds k on k.kind = c.kind
where c.account_count > k.account_limit
"""

# Whoever holds a value that became blocked, or is no longer, is as good as changed; so is whoever
# has a birth date that became a default.
SEEDS = """
with other_births as (
    select coalesce(n.token, b.token) as token
    from default_births n
    full join state_births b on b.token = n.token
    where n.token is null or b.token is null
),
flipped as (
    select coalesce(n.kind, b.kind) as kind, coalesce(n.token, b.token) as token
    from blocked_values n
    full join state_blocked b on b.kind = n.kind and b.token = n.token
    where n.kind is null or b.kind is null
)
select source, account_id from changed
union
select h.source, h.account_id
from all_holdings h
join flipped f on f.kind = h.kind and f.token = h.token
union
select p.source, p.account_id
from input_people p
join other_births o on o.token = p.birth_token
"""

REACHED = """
with seed_values as (
    select distinct h.kind, h.token
    from all_holdings h
    join seeds s on s.source = h.source and s.account_id = h.account_id
    where not exists (
        select 1 from blocked_values b where b.kind = h.kind and b.token = h.token
    )
),
decided as (
    select one_source, one_account_id, other_source, other_account_id
    from input_decisions
    where is_must_link
)
select source, account_id from seeds
union
select h.source, h.account_id
from all_holdings h
join seed_values v on v.kind = h.kind and v.token = h.token
union
select d.other_source, d.other_account_id
from decided d
join seeds s on s.source = d.one_source and s.account_id = d.one_account_id
union
select d.one_source, d.one_account_id
from decided d
join seeds s on s.source = d.other_source and s.account_id = d.other_account_id
"""

# Also the component of an account that is gone: the others may fall apart without it.
TOUCHED_COMPONENTS = """
select distinct b.component
from state_accounts b
join reached r on r.source = b.source and r.account_id = b.account_id
union
select b.component
from state_accounts b
left join signatures s on s.source = b.source and s.account_id = b.account_id
where s.account_id is null
"""

TOUCHED = """
with again as (
    select b.source, b.account_id
    from state_accounts b
    join touched_components c on c.component = b.component
    union
    select source, account_id from reached
)
select a.source, a.account_id, a.first_seen_date, a.gender, a.birth_year
from input_accounts a
join again t on t.source = a.source and t.account_id = a.account_id
"""


def find_touched(
    engine: Engine, settings: IdentitySettings, business_date: date, is_full: bool
) -> None:
    """Leave `signatures`, `blocked_values`, `touched` and `touched_components`.

    Reads input_*, all_holdings and, unless everybody is touched, the state of the night before:
    state_accounts, state_blocked and state_births.
    """
    engine.table("signatures", signatures(engine, settings), business_date)
    if is_full:
        engine.table("blocked_values", ALL_BLOCKED)
        engine.table("touched", "select * from input_accounts")
        return
    for name, query in {
        "changed": CHANGED,
        "relevant_values": RELEVANT_VALUES,
        "blocked_values": RELEVANT_BLOCKED,
        "seeds": SEEDS,
        "reached": REACHED,
        "touched_components": TOUCHED_COMPONENTS,
        "touched": TOUCHED,
    }.items():
        engine.table(name, query)


def signatures(engine: Engine, settings: IdentitySettings) -> str:
    """A query for one number for each account that changes with whatever can change its member."""
    facts = {
        "input_accounts": ["first_seen_date", "gender", is_child(settings)],
        "input_identifiers": ["identifier_type", "identifier_token", "is_verified"],
        "input_people": ["version", "load_date", *TOKEN_COLUMNS],
    }
    parts = [
        f"select source, account_id, {engine.fingerprint(columns)} as fact from {table}"
        + (f" where {VALID}" if table == "input_identifiers" else "")
        for table, columns in facts.items()
    ]
    decision = engine.fingerprint(["decision", "is_must_link", "effective_from"])
    parts += [
        f"select {side}_source as source, {side}_account_id as account_id, {decision} as fact"
        f" from (select *, {DECISION_TEXT} as decision from input_decisions) as decided"
        for side in ("one", "other")
    ]
    return SIGNATURES.format(facts=" union all ".join(parts))


VALID = "valid_until_date is null or valid_until_date > $business_date"
DECISION_TEXT = (
    "one_source || ':' || one_account_id || ' ' || other_source || ':' || other_account_id"
)
SIGNATURES = """
with facts as ({facts})
select f.source, f.account_id, cast(sum(f.fact) as bigint) as signature
from facts f
join input_accounts a on a.source = f.source and a.account_id = f.account_id
group by f.source, f.account_id
"""
