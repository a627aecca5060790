"""Evidence: which accounts hold the same value, and whether that makes them the same person.

Every rule looks inside one value (one phone, one document, one plate) and never beyond it, so a
value's links depend on its holders alone. Links are stars around the oldest account of a group, not
all pairs. Accounts are numbered from the oldest on (first_seen_date, source, account_id): a smaller
number is an older account, and every tie in this package falls to the smaller number. Tokens decide
no tie, so that new keys for the tokens change no member.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from identity_resolution.engine import Engine
from ingest.core.errors import Problem

SETTINGS_FILE = Path(__file__).with_name("settings.yml")

STRICT = ConfigDict(extra="forbid")  # a misspelt word is an error, not a default
Limit = Annotated[int, Field(ge=1)]

Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class EvidenceRule:
    """What one type of identifier proves; see settings.yml for the words."""

    __pydantic_config__ = STRICT

    identifier_type: str
    account_limit: Limit
    names: Literal["ignored", "agree"]
    unnamed: Literal["stay", "join_one_name", "join"] = "stay"


@dataclass(frozen=True)
class IdentitySettings:
    """The decisions of settings.yml. `evidence` is in order of strength, strongest first."""

    __pydantic_config__ = STRICT

    evidence: tuple[EvidenceRule, ...]
    member_limits: dict[str, Limit]

    @property
    def link_rules(self) -> tuple[str, ...]:
        """Names of all kinds of link by rank, strongest first; those of unnamed accounts are the
        weakest.
        """
        named = [
            f"same_{rule.identifier_type}" + ("_and_name" if rule.names == "agree" else "")
            for rule in self.evidence
        ]
        return (*named, *(f"same_{rule.identifier_type}_unnamed" for rule in self.evidence))

    @property
    def slot_starts(self) -> Int32:
        """First claim slot of each limited type, in order of member_limits, and the end of the
        last.
        """
        return np.cumsum([0, *self.member_limits.values()], dtype=np.int32)


def load_identity_settings(path: Path = SETTINGS_FILE) -> IdentitySettings:
    """The decisions of a settings file; Problem if it cannot be read or says something unknown."""
    try:
        settings = TypeAdapter(IdentitySettings).validate_python(
            yaml.safe_load(path.read_text(encoding="utf-8"))
        )
    except (OSError, yaml.YAMLError) as error:
        raise Problem(f"cannot read {path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Problem(f"{path}: {where}: {first['msg']}") from error
    types = [rule.identifier_type for rule in settings.evidence]
    if len(set(types)) < len(types):
        raise Problem(f"{path}: evidence: an identifier_type stands there twice; keep one")
    if unknown := sorted(set(settings.member_limits) - set(types)):
        raise Problem(f"{path}: member_limits: {unknown[0]} is no identifier_type of evidence")
    return settings


def find_evidence(engine: Engine, settings: IdentitySettings, business_date: date) -> None:
    """Edges between accounts from the values that are valid on a business date.

    Reads the tables input_accounts, input_identifiers, input_names; leaves `accounts`,
    `shared_values`, `edges` and `claims`. Problem if the inputs contradict each other.
    """
    engine.load("evidence_rules", _rule_table(settings))
    for question, complaint in CHECKS:
        rows = engine.rows(question).to_pylist()
        if rows:
            raise Problem(complaint.format(*rows[0].values()))
    for name, query in EVIDENCE.items():
        engine.table(name, query, business_date)


def _rule_table(settings: IdentitySettings) -> pa.Table:
    rules = settings.evidence
    types = [rule.identifier_type for rule in rules]
    claim_kinds = {name: kind for kind, name in enumerate(settings.member_limits)}
    return pa.table(
        {
            "rule": pa.array(range(len(rules)), pa.int32()),
            "identifier_type": types,
            "account_limit": [rule.account_limit for rule in rules],
            "must_names_agree": [rule.names == "agree" for rule in rules],
            "unnamed": [rule.unnamed for rule in rules],
            "unnamed_rank": pa.array([len(rules) + rank for rank in range(len(rules))], pa.int32()),
            "claim_kind": pa.array([claim_kinds.get(name) for name in types], pa.int32()),
        }
    )


CHECKS = (
    (
        """select source, account_id from input_accounts
        group by source, account_id having count(*) > 1 limit 1""",
        "int_accounts.parquet holds account {1} of {0} twice; run stage again",
    ),
    (
        """select source, account_id from input_identifiers
        where not exists (
            select 1 from input_accounts
            where input_accounts.source = input_identifiers.source
            and input_accounts.account_id = input_identifiers.account_id
        ) limit 1""",
        "int_accounts.parquet lacks account {1} of {0}, which has identifiers; run stage again",
    ),
    (
        """select identifier_type from input_identifiers
        where identifier_type not in (select identifier_type from evidence_rules) limit 1""",
        "identifier_type {0} has no rule; add one to evidence in identity_resolution/settings.yml",
    ),
)

ACCOUNTS = """
with name_codes as (
    select name_token, cast(row_number() over (order by name_token) as integer) as name
    from (select distinct name_token from input_names where name_token is not null)
)
select
    cast(row_number() over (
        order by a.first_seen_date nulls last, a.source, a.account_id
    ) - 1 as integer) as account,
    a.source,
    a.account_id,
    a.first_seen_date,
    coalesce(c.name, -1) as name
from input_accounts a
left join input_names n on n.source = a.source and n.account_id = a.account_id
left join name_codes c on c.name_token = n.name_token
"""

# A value that ended (a recycled phone, a sold car) is not held from that date on.
HOLDINGS = """
select r.rule, i.identifier_token, a.account, a.name
from input_identifiers i
join evidence_rules r on r.identifier_type = i.identifier_type
join accounts a on a.source = i.source and a.account_id = i.account_id
where i.valid_until_date is null or i.valid_until_date > $business_date
"""

# Most values are held by one account; leaving them behind first makes everything after this small.
SHARED = """
select rule, identifier_token, cast(row_number() over (
    order by rule, min(account), identifier_token
) as integer) as value_id
from holdings
group by rule, identifier_token
having min(account) < max(account)
"""

HOLDERS = """
select distinct s.value_id, s.rule, h.account, h.name
from holdings h
join shared s on s.rule = h.rule and s.identifier_token = h.identifier_token
"""

SHARED_VALUES = """
with counted as (
    select
        value_id,
        count(*) as account_count,
        count_if(name < 0) as unnamed_count,
        min(account) as first_account,
        min(account) filter (where name >= 0) as first_named_account,
        coalesce(min(name) filter (where name >= 0) = max(name), false) as has_one_name,
        max(name) < 0 as has_no_name
    from holders
    group by value_id
)
select
    c.*,
    s.rule,
    s.identifier_token,
    c.account_count > r.account_limit as is_blocked,
    r.must_names_agree,
    r.unnamed_rank,
    r.must_names_agree and c.unnamed_count > 0 as has_open_unnamed,
    case
        when r.unnamed in ('join', 'join_one_name') and c.has_one_name then c.first_named_account
        when r.unnamed = 'join' and c.has_no_name then c.first_account
    end as unnamed_joins_account
from counted c
join shared s on s.value_id = c.value_id
join evidence_rules r on r.rule = s.rule
"""

EDGES = """
with open_holders as (
    select
        h.value_id,
        h.account,
        h.name,
        v.rule,
        v.must_names_agree,
        v.unnamed_rank,
        v.first_account,
        v.unnamed_joins_account
    from holders h
    join shared_values v on v.value_id = h.value_id
    where not v.is_blocked
),
same_value as (
    select rule as link_rank, value_id, first_account as low, account as high
    from open_holders
    where not must_names_agree
),
same_name as (
    select
        rule as link_rank,
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
select * from same_value where low < high
union all
select * from same_name where low < high
union all
select * from unnamed where low < high
"""

# A blocked value is nobody's: it may not forbid a link either.
CLAIMS = """
with claimed as (
    select distinct r.claim_kind, h.account, h.rule, h.identifier_token
    from holdings h
    join evidence_rules r on r.rule = h.rule
    where r.claim_kind is not null
    and not exists (
        select 1 from shared_values v
        where v.is_blocked and v.rule = h.rule and v.identifier_token = h.identifier_token
    )
)
select
    claim_kind,
    account,
    cast(dense_rank() over (order by rule, identifier_token) as integer) as claim,
    cast(row_number() over (
        partition by claim_kind, account order by identifier_token
    ) - 1 as integer) as place
from claimed
"""

# In this order: each reads what stands before it.
EVIDENCE = {
    "accounts": ACCOUNTS,
    "holdings": HOLDINGS,
    "shared": SHARED,
    "holders": HOLDERS,
    "shared_values": SHARED_VALUES,
    "edges": EDGES,
    "claims": CLAIMS,
}
