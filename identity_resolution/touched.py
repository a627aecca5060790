"""Which accounts have to be resolved again tonight, and which values link nobody.

A component holds everything that can depend on each other: accounts that share a value which is not
blocked, directly or by way of others. Whatever a night decides of an account follows from its
component alone, so a component in which nothing changed keeps last night's rows, and one in which
something changed is resolved again as a whole. The result is that of resolving everybody.

A night that builds on the one before finds these accounts by keys, which are numbers: what an
account holds by its identifiers is worked out anew, what it holds by its sealed rows stands in the
state of the night before unless the account changed. Only what is touched is read as text.
"""

from datetime import date

from identity_resolution.changed import find_changed, person_keys, show_signatures
from identity_resolution.engine import Engine
from identity_resolution.evidence import (
    default_births,
    holdings_of,
    personal_kinds,
    show_identifiers,
)
from identity_resolution.inputs import PERSON_VALUES, account_key, people_of, show_people
from identity_resolution.settings import BIRTH_KIND, IdentitySettings

EVERYBODYS = "held_identifiers i"
OF_TOUCHED = "held_identifiers i join touched_keys t on t.account_key = i.account_key"

BLOCKED = """
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

# What counts of sealed rows tonight: last night's, and of whoever changed, tonight's.
PERSON_KEYS = """
select account_key, {keys}
from state_accounts s
where not exists (select 1 from changed_keys c where c.account_key = s.account_key)
union all
select {account_key} as account_key, {person_keys}
from changed_people
"""

# Everybody's values by key. birth_key: without which birth date the value counts.
KEYS_OF_VALUE = """
select account_key, {kind} as kind, {value}_key as value_key, {birth_key} as birth_key
from person_keys
where {value}_key is not null
"""
IDENTIFIERS_BY_KEY = """
select account_key, kind, value_key, cast(null as bigint) as birth_key
from held_identifiers
"""
VALUES_OF = """
select h.account_key, h.kind, h.value_key, h.birth_key
from all_keys h
join {accounts} a on a.account_key = h.account_key
"""
HOLDINGS_OF = """
select h.account_key, h.kind, h.value_key, h.birth_key
from all_keys h
join {values} v on v.kind = h.kind and v.value_key = h.value_key
"""

RELEVANT_VALUES = """
select kind, value_key from changed_values
union
select kind, value_key from state_blocked
"""

BLOCKED_KEYS = """
with births as (
    select h.kind, h.value_key, count(distinct h.account_key) as account_count
    from {holdings} h
    where h.kind = {birth}
    group by h.kind, h.value_key
    having count(distinct h.account_key) > {most}
),
counted as (
    select h.kind, h.value_key, count(distinct h.account_key) as account_count
    from {holdings} h
    where h.kind <> {birth}
    and not exists (select 1 from births b where b.value_key = h.birth_key)
    group by h.kind, h.value_key
    having count(*) > 1
)
select c.kind, c.value_key, c.account_count
from counted c
join kinds k on k.kind = c.kind
where c.account_count > k.account_limit
union all
select kind, value_key, account_count from births
"""

# Whoever holds a value that became blocked, or is no longer, is as good as changed; so is whoever
# has a birth date that became a default.
ALSO_CHANGED = """
with flipped as (
    select coalesce(n.kind, b.kind) as kind, coalesce(n.value_key, b.value_key) as value_key
    from relevant_blocked n
    full join state_blocked b on b.kind = n.kind and b.value_key = n.value_key
    where n.kind is null or b.kind is null
)
select distinct h.account_key
from relevant_holdings h
join flipped f on f.kind = h.kind and f.value_key = h.value_key
where not exists (select 1 from changed_keys c where c.account_key = h.account_key)
"""
FURTHER_VALUES = """
select distinct h.kind, h.value_key
from also_changed_values h
where not exists (
    select 1 from relevant_values r where r.kind = h.kind and r.value_key = h.value_key
)
"""
LOOKED_AT = "select * from relevant_holdings union all select * from further_holdings"

REACHED = """
with seeds as (
    select account_key from changed_keys
    union all
    select account_key from also_changed
),
seed_values as (
    select kind, value_key from changed_values
    union
    select kind, value_key from also_changed_values
),
decided as (
    select {one} as one_key, {other} as other_key
    from input_decisions
    where is_must_link
)
select account_key from seeds
union
select h.account_key
from holdings_looked_at h
join seed_values v on v.kind = h.kind and v.value_key = h.value_key
where h.kind <> {birth}
and not exists (
    select 1 from blocked_keys b where b.kind = h.kind and b.value_key = h.value_key
)
union
select d.other_key from decided d join seeds s on s.account_key = d.one_key
union
select d.one_key from decided d join seeds s on s.account_key = d.other_key
"""

# Also the component of an account that is gone: the others may fall apart without it.
TOUCHED_COMPONENTS = """
select distinct component
from state_accounts
where account_key in (select account_key from reached)
"""
TOUCHED_KEYS = """
select account_key from reached
union
select account_key
from state_accounts
where component in (select component from touched_components)
"""
TOUCHED = """
select source, account_id, first_seen_date, gender, birth_year
from input_accounts
where {account_key} in (select account_key from touched_keys)
"""

# A value is named by the state, or by those who hold it, who are all touched if that is new.
DEFAULT_BIRTHS = """
select distinct t.token, b.account_count
from blocked_keys b
join (
    select token, value_key from state_blocked where kind = {birth}
    union all
    select birth_token as token, {value_key} as value_key from input_people
) t on t.value_key = b.value_key
where b.kind = {birth}
"""
BLOCKED_VALUES = """
select distinct b.kind, k.value_type, t.token, b.account_count
from blocked_keys b
join (
    select kind, token, value_key from state_blocked
    union all
    select kind, token, {value_key} as value_key from all_holdings
) t on t.kind = b.kind and t.value_key = b.value_key
join kinds k on k.kind = b.kind
"""


def touch_everybody(engine: Engine, settings: IdentitySettings, business_date: date) -> None:
    """Leave `touched` (all accounts), `signatures`, people_rows, input_people, `default_births`,
    `all_holdings` and `blocked_values`.
    """
    engine.table("touched", "select * from input_accounts")
    show_people(engine, "touched")  # who is no account any more counts nowhere
    show_everybodys_holdings(engine, settings, business_date)
    show_signatures(engine, settings, business_date)
    engine.table("blocked_values", BLOCKED)


def show_everybodys_holdings(
    engine: Engine, settings: IdentitySettings, business_date: date
) -> None:
    """Leave `default_births`, `held_identifiers` and `all_holdings` of everybody; needs `kinds` and
    input_people.
    """
    engine.table("default_births", default_births(settings))
    show_identifiers(engine, business_date)
    engine.view("all_holdings", holdings_of(settings, EVERYBODYS))


def find_touched(
    engine: Engine, settings: IdentitySettings, business_date: date, before: date
) -> None:
    """Leave the same as touch_everybody, but of the accounts that have to be resolved again, and
    `touched_components`, whose rows of the night before do not count any more.

    Reads the state of the night before: state_accounts and state_blocked.
    """
    show_identifiers(engine, business_date)
    find_changed(engine, settings, business_date, before)
    _show_keys(engine, settings)
    _find_reached(engine, settings.comparison.default_birth_accounts)
    engine.table("touched_components", TOUCHED_COMPONENTS)
    engine.table("touched_keys", TOUCHED_KEYS)
    engine.table("touched", TOUCHED.format(account_key=account_key(engine)))
    show_people(engine, "touched")
    births = engine.fingerprint(["birth_token"])
    engine.table("default_births", DEFAULT_BIRTHS.format(birth=BIRTH_KIND, value_key=births))
    holdings = holdings_of(settings, OF_TOUCHED)
    engine.table("touched_holdings", holdings)
    engine.view("all_holdings", "select * from touched_holdings")
    blocked = BLOCKED_VALUES.format(value_key=engine.fingerprint(["token"]))
    engine.table("blocked_values", blocked)


def _show_keys(engine: Engine, settings: IdentitySettings) -> None:
    """Leave `all_keys` (account_key, kind, value_key, birth_key): what everybody holds tonight."""
    engine.table("changed_people", people_of("changed"))
    keys = PERSON_KEYS.format(
        keys=", ".join(f"{value}_key" for value in PERSON_VALUES),
        account_key=account_key(engine),
        person_keys=person_keys(engine),
    )
    engine.table("person_keys", keys)
    parts = [IDENTIFIERS_BY_KEY]
    for value, kind in {**personal_kinds(settings), "birth": BIRTH_KIND}.items():
        birth_key = "birth_key" if value == "name_birth" else "cast(null as bigint)"
        parts.append(KEYS_OF_VALUE.format(value=value, kind=kind, birth_key=birth_key))
    engine.view("all_keys", " union all ".join(parts))


def _find_reached(engine: Engine, most: int) -> None:
    """Leave `reached` (account_key): who changed or shares a value with who did, and `blocked_keys`
    (kind, value_key, account_count).
    """
    engine.table("changed_values", VALUES_OF.format(accounts="changed_keys"))
    engine.table("relevant_values", RELEVANT_VALUES)
    engine.table("relevant_holdings", HOLDINGS_OF.format(values="relevant_values"))
    blocked = BLOCKED_KEYS.format(holdings="relevant_holdings", birth=BIRTH_KIND, most=most)
    engine.table("relevant_blocked", blocked)
    engine.table("also_changed", ALSO_CHANGED)
    engine.table("also_changed_values", VALUES_OF.format(accounts="also_changed"))
    engine.table("further_values", FURTHER_VALUES)
    engine.table("further_holdings", HOLDINGS_OF.format(values="further_values"))
    engine.view("holdings_looked_at", LOOKED_AT)
    # Again: with a birth date that is no default any more, values count that did not before.
    blocked = BLOCKED_KEYS.format(holdings="holdings_looked_at", birth=BIRTH_KIND, most=most)
    engine.table("blocked_keys", blocked)
    one, other = (
        engine.fingerprint([f"{end}_source", f"{end}_account_id"]) for end in ("one", "other")
    )
    engine.table("reached", REACHED.format(one=one, other=other, birth=BIRTH_KIND))
