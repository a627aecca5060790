"""Which accounts changed since the night before.

Accounts and identifiers are whole every night, so each account has a signature, one number that
changes with whatever can change its member. Sealed rows only ever are added, so those that came
since say whom they are about. Accounts and values are looked up by a key, a number as well, because
looking for text in a million rows is what such a night would spend its time on. Two of a million
accounts have one key once in ten million nights, and then count as changed together.
"""

from datetime import date

from identity_resolution.engine import Engine, with_date
from identity_resolution.evidence import is_child
from identity_resolution.inputs import PERSON_VALUES, account_key
from identity_resolution.settings import IdentitySettings
from ingest.core.errors import Problem

FACT_BITS = 48  # so that thousands of them can be added up
DECISION_TEXT = (
    "one_source || ':' || one_account_id || ' ' || other_source || ':' || other_account_id"
)

DECIDED_FACTS = """
with decided as (
    select {text} as decision, one_source as source, one_account_id as account_id,
        is_must_link, effective_from
    from input_decisions
    union all
    select {text} as decision, other_source as source, other_account_id as account_id,
        is_must_link, effective_from
    from input_decisions
)
select {account_key} as account_key, cast(sum({fact}) as bigint) as fact_sum
from decided
group by {account_key}
"""
SIGNATURES = """
with facts as (
    select {account_key} as account_key, {account} as fact, 1 as account_count
    from input_accounts
    union all
    select account_key, {identifier} as fact, 0 as account_count
    from held_identifiers
),
added as (
    select account_key, cast(sum(fact) as bigint) as fact_sum, sum(account_count) as account_count
    from facts
    group by account_key
)
select
    a.account_key,
    a.fact_sum + coalesce(d.fact_sum, 0) as signature,
    a.account_count
from added a
left join decided_facts d on d.account_key = a.account_key
"""

TWICE = """
select a.source, a.account_id
from input_accounts a
where {key} in (select account_key from signatures where account_count > 1)
group by a.source, a.account_id
having count(*) > 1
limit 1
"""
NOBODYS = """
select i.source, i.account_id
from input_identifiers i
where {key} in (select account_key from signatures where account_count = 0)
limit 1
"""

CHANGED_KEYS = """
select coalesce(s.account_key, b.account_key) as account_key
from signatures s
full join state_accounts b on b.account_key = s.account_key
where s.signature is null or b.signature is null or s.signature <> b.signature
union
select {key} as account_key
from people_versions
where load_date > {before}
"""

CHANGED = """
select source, account_id
from input_accounts
where {key} in (select account_key from changed_keys)
"""


def person_keys(engine: Engine) -> str:
    """Columns for the keys of what sealed rows say of a person, over input_people."""
    return ", ".join(
        f"case when {value}_token is not null then {engine.fingerprint([f'{value}_token'])} end"
        f" as {value}_key"
        for value in PERSON_VALUES
    )


def show_signatures(engine: Engine, settings: IdentitySettings, business_date: date) -> None:
    """Leave `signatures` (account_key, signature, account_count), from `held_identifiers`.

    Problem if tonight's accounts and identifiers contradict each other.
    """
    key = account_key(engine)
    decided = engine.fingerprint(["decision", "is_must_link", "effective_from"], FACT_BITS)
    facts = DECIDED_FACTS.format(text=DECISION_TEXT, account_key=key, fact=decided)
    engine.table("decided_facts", facts)
    told = ["first_seen_date", "gender", is_child(settings)]
    signatures = SIGNATURES.format(
        account_key=key,
        account=engine.fingerprint(told, FACT_BITS),
        identifier=engine.fingerprint(["kind", "value_key", "is_verified"], FACT_BITS),
    )
    engine.table("signatures", signatures, business_date)
    for question, complaint in (
        (TWICE, "int_accounts.parquet holds account {account_id} of {source} twice"),
        (
            NOBODYS,
            "int_accounts.parquet lacks account {account_id} of {source}, which has identifiers",
        ),
    ):
        found = engine.rows(question.format(key=key)).to_pylist()
        if found:
            raise Problem(f"{complaint.format(**found[0])}; run stage again")


def find_changed(
    engine: Engine, settings: IdentitySettings, business_date: date, before: date
) -> None:
    """Leave `signatures`, `changed_keys` and `changed` (source, account_id)."""
    show_signatures(engine, settings, business_date)
    key = account_key(engine)
    told_since = with_date("$business_date", before)
    engine.table("changed_keys", CHANGED_KEYS.format(key=key, before=told_since))
    engine.table("changed", CHANGED.format(key=key))
