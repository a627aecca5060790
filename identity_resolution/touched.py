"""Which accounts have to be resolved again tonight, and which values link nobody.

A component holds everything that can depend on each other: accounts that share a value which is not
blocked, directly or by way of others. Whatever a night decides of an account follows from its
component alone, so a component in which nothing changed keeps last night's rows, and one in which
something changed is resolved again as a whole. The result is that of resolving everybody.

A night that builds on the one before looks at everybody once, to see what changed; after that it
asks only for accounts and values that matter.
"""

from datetime import date

from identity_resolution.changed import find_changed, show_signatures
from identity_resolution.engine import Engine
from identity_resolution.evidence import default_births, holdings_of, personal_types
from identity_resolution.inputs import people_of, show_people
from identity_resolution.settings import IdentitySettings

IDENTIFIERS = "input_identifiers i"
THEIR_IDENTIFIERS = (
    "input_identifiers i join {accounts} a on a.source = i.source and a.account_id = i.account_id"
)
OF_VALUES = """
select h.source, h.account_id, h.kind, h.token, h.is_verified
from ({holdings}) h
join {values} v on v.kind = h.kind and v.token = h.token
"""
# Whoever ever had such a value; which of it counts tonight is asked next.
ONCE_HAD = """
select v.source, v.account_id
from people_versions v
join {values} r on r.token = v.{value}_token
join kinds k on k.kind = r.kind and k.value_type = '{value}'
"""

RELEVANT_VALUES = """
select kind, token from changed_holdings
union
select kind, token from state_blocked
"""

BLOCKED = """
with counted as (
    select kind, token, count(distinct source || ':' || account_id) as account_count
    from {holdings}
    group by kind, token
    having count(*) > 1
)
select c.kind, k.value_type, c.token, c.account_count
from counted c
join kinds k on k.kind = c.kind
where c.account_count > k.account_limit
"""

OTHER_BIRTHS = """
select coalesce(n.token, b.token) as token
from default_births n
full join state_births b on b.token = n.token
where n.token is null or b.token is null
"""
# No more than these can be default birth dates tonight.
FREQUENT_BIRTHS = """
select birth_token as token
from people_versions
where birth_token is not null
group by birth_token
having count(*) > {most}
"""
ONCE_BORN = """
select distinct v.source, v.account_id
from people_versions v
join {births} b on b.token = v.birth_token
"""

# Whoever holds a value that became blocked, or is no longer, is as good as changed; so is whoever
# has a birth date that became a default.
ALSO_CHANGED = """
with flipped as (
    select coalesce(n.kind, b.kind) as kind, coalesce(n.token, b.token) as token
    from blocked_values n
    full join state_blocked b on b.kind = n.kind and b.token = n.token
    where n.kind is null or b.kind is null
),
as_good as (
    select h.source, h.account_id
    from relevant_holdings h
    join flipped f on f.kind = h.kind and f.token = h.token
    union
    select p.source, p.account_id
    from other_born p
    join other_births o on o.token = p.birth_token
)
select g.source, g.account_id
from as_good g
where not exists (
    select 1 from changed c where c.source = g.source and c.account_id = g.account_id
)
"""
FURTHER_VALUES = """
select distinct h.kind, h.token
from also_changed_holdings h
where not exists (
    select 1 from relevant_values r where r.kind = h.kind and r.token = h.token
)
"""

REACHED = """
with seeds as (
    select source, account_id from changed
    union all
    select source, account_id from also_changed
),
seed_values as (
    select kind, token from changed_holdings
    union
    select kind, token from also_changed_holdings
),
decided as (
    select one_source, one_account_id, other_source, other_account_id
    from input_decisions
    where is_must_link
)
select source, account_id from seeds
union
select h.source, h.account_id
from (select * from relevant_holdings union all select * from further_holdings) h
join seed_values v on v.kind = h.kind and v.token = h.token
where not exists (
    select 1 from blocked_values b where b.kind = h.kind and b.token = h.token
)
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
select b.component
from state_accounts b
join reached r on r.source = b.source and r.account_id = b.account_id
union
select component
from state_accounts
where account_key in (select account_key from changed_keys)
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


def touch_everybody(engine: Engine, settings: IdentitySettings, business_date: date) -> None:
    """Leave `touched` (all accounts), `signatures`, people_rows, input_people, `default_births`,
    `all_holdings` and `blocked_values`.
    """
    show_signatures(engine, settings, business_date)
    engine.table("touched", "select * from input_accounts")
    show_people(engine)
    show_everybodys_holdings(engine, settings, business_date)
    engine.table("blocked_values", BLOCKED.format(holdings="all_holdings"))


def show_everybodys_holdings(
    engine: Engine, settings: IdentitySettings, business_date: date
) -> None:
    """Leave `default_births` and `all_holdings` of everybody; needs `kinds` and input_people."""
    engine.table("default_births", default_births(settings, "input_people"))
    holdings = holdings_of(settings, IDENTIFIERS, "input_people p")
    engine.view("all_holdings", holdings, business_date)


def find_touched(
    engine: Engine, settings: IdentitySettings, business_date: date, before: date
) -> None:
    """Leave the same as touch_everybody, but of the accounts that have to be resolved again, and
    `touched_components`, whose rows of the night before do not count any more.

    Reads the state of the night before: state_accounts, state_blocked and state_births.
    """
    find_changed(engine, settings, business_date, before)
    _find_births(engine, settings)
    _hold(engine, settings, business_date, "changed")
    engine.table("relevant_values", RELEVANT_VALUES)
    _find_holders(engine, settings, business_date, "relevant")
    engine.table("blocked_values", BLOCKED.format(holdings="relevant_holdings"))
    engine.table("also_changed", ALSO_CHANGED)
    if engine.rows("select 1 as one from also_changed limit 1").num_rows:
        _hold(engine, settings, business_date, "also_changed")
        engine.table("further_values", FURTHER_VALUES)
        _find_holders(engine, settings, business_date, "further")
    else:
        for name in ("also_changed_holdings", "further_holdings"):
            engine.table(name, "select * from changed_holdings where false")
    engine.table("reached", REACHED)
    engine.table("touched_components", TOUCHED_COMPONENTS)
    engine.table("touched", TOUCHED)
    show_people(engine, "touched")
    identifiers = THEIR_IDENTIFIERS.format(accounts="touched")
    holdings = holdings_of(settings, identifiers, "input_people p")
    engine.view("all_holdings", holdings, business_date)


def _find_births(engine: Engine, settings: IdentitySettings) -> None:
    """Leave `default_births`, and `other_births` with those who may have them (`other_born`): birth
    dates that became defaults, or are none any more.
    """
    most = settings.comparison.default_birth_accounts
    engine.table("frequent_births", FREQUENT_BIRTHS.format(most=most))
    engine.table("once_born", ONCE_BORN.format(births="frequent_births"))
    engine.table("born", people_of("once_born"))
    engine.table("default_births", default_births(settings, "born"))
    engine.table("other_births", OTHER_BIRTHS)
    engine.table("once_other_born", ONCE_BORN.format(births="other_births"))
    engine.table("other_born", people_of("once_other_born"))


def _hold(engine: Engine, settings: IdentitySettings, business_date: date, accounts: str) -> None:
    """Leave <accounts>_holdings of the accounts of a table."""
    engine.table(f"{accounts}_people", people_of(accounts))
    identifiers = THEIR_IDENTIFIERS.format(accounts=accounts)
    holdings = holdings_of(settings, identifiers, f"{accounts}_people p")
    engine.table(f"{accounts}_holdings", holdings, business_date)


def _find_holders(engine: Engine, settings: IdentitySettings, business_date: date, of: str) -> None:
    """Leave <of>_holdings: every holding of the values of <of>_values."""
    values = f"{of}_values"
    had = [ONCE_HAD.format(values=values, value=value) for value in personal_types(settings)]
    engine.table(f"{of}_once", " union ".join(had))
    engine.table(f"{of}_people", people_of(f"{of}_once"))
    holdings = holdings_of(settings, IDENTIFIERS, f"{of}_people p")
    of_values = OF_VALUES.format(holdings=holdings, values=values)
    engine.table(f"{of}_holdings", of_values, business_date)
