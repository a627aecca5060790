"""Which accounts changed since the night before.

Accounts and identifiers are whole every night, so each account has a signature, one number that
changes with whatever can change its member. Sealed rows only ever are added, so those that came
since say whom they are about. Accounts are looked up by a key, one number as well: two accounts may
share one by chance, and then both count as changed.
"""

from datetime import date

from identity_resolution.engine import Engine, with_date
from identity_resolution.evidence import is_child
from identity_resolution.settings import IdentitySettings
from ingest.core.errors import Problem

DECISION_TEXT = (
    "one_source || ':' || one_account_id || ' ' || other_source || ':' || other_account_id"
)
SIGNATURES = """
with facts as (
    select {key} as account_key, {account} as fact, 1 as account_count, 0 as value_count
    from input_accounts
    union all
    select {key} as account_key, {identifier} as fact, 0 as account_count, 1 as value_count
    from input_identifiers
    where valid_until_date is null or valid_until_date > $business_date
    union all
    select {key} as account_key, {decision} as fact, 0 as account_count, 0 as value_count
    from (
        select {text} as decision, one_source as source, one_account_id as account_id,
            is_must_link, effective_from
        from input_decisions
        union all
        select {text} as decision, other_source as source, other_account_id as account_id,
            is_must_link, effective_from
        from input_decisions
    ) as decided
)
select
    account_key,
    cast(sum(fact) as bigint) as signature,
    sum(account_count) as account_count,
    sum(value_count) as value_count
from facts
group by account_key
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
where {key} in (select account_key from signatures where account_count = 0 and value_count > 0)
limit 1
"""

CHANGED_KEYS = """
select coalesce(s.account_key, b.account_key) as account_key
from (select account_key, signature from signatures where account_count > 0) s
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


def account_key(engine: Engine) -> str:
    """An expression for the key of an account."""
    return engine.fingerprint(["source", "account_id"])


def show_signatures(engine: Engine, settings: IdentitySettings, business_date: date) -> None:
    """Leave `signatures` (account_key, signature, account_count, value_count).

    Problem if tonight's accounts and identifiers contradict each other.
    """
    key = account_key(engine)
    signatures = SIGNATURES.format(
        key=key,
        account=engine.fingerprint(["first_seen_date", "gender", is_child(settings)]),
        identifier=engine.fingerprint(["identifier_type", "identifier_token", "is_verified"]),
        decision=engine.fingerprint(["decision", "is_must_link", "effective_from"]),
        text=DECISION_TEXT,
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
