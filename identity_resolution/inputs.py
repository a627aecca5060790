"""What a night's resolution reads of the lake, shown as tables of the engine.

Leaves input_accounts and input_identifiers (dbt's shapes of tonight), people_versions (what every
sealed row ever said of an account: name_token, surname_token, the blocking keys), posted_versions
(the member that each account was posted to, each time) and input_decisions. These are views: who
asks for a few accounts reads no more of them than it needs.
"""

from datetime import date
from pathlib import Path

import pyarrow as pa

from identity_resolution.engine import Engine
from ingest.core.identity_decisions import MUST_LINK, decisions_in_force
from ingest.core.lake import Lake

TOKEN_COLUMNS = (
    "name_token",
    "surname_token",
    "address_token",
    "birth_token",
    "name_birth_token",
    "name_mobile_head_token",
    "name_mobile_tail_token",
)
# What sealed rows say of a person besides the name.
PERSON_VALUES = tuple(
    name.removesuffix("_token")
    for name in TOKEN_COLUMNS
    if name not in ("name_token", "surname_token")
)
PEOPLE_TYPES = {
    "source": "string",
    "table_name": "string",
    "account_id": "string",
    "version": "bigint",
    "load_date": "date",
    "key_ref": "string",
    **dict.fromkeys(TOKEN_COLUMNS, "string"),
}
DECISION_COLUMNS = pa.schema(
    [
        ("decision_number", pa.int32()),
        ("is_must_link", pa.bool_()),
        ("one_source", pa.string()),
        ("one_account_id", pa.string()),
        ("other_source", pa.string()),
        ("other_account_id", pa.string()),
        ("effective_from", pa.date32()),
    ]
)


def show_inputs(engine: Engine, lake: Lake, business_date: date) -> None:
    """Show the lake's files as the tables that `resolve` reads."""
    for name in ("accounts", "identifiers"):
        engine.model(f"input_{name}", f"int_{name}", lake)
    folders = sorted((lake.root / "restricted").glob("*/*"))
    versions = [_versions(engine, folder, number) for number, folder in enumerate(folders)]
    told = " union all ".join(filter(None, [NOBODY, *versions]))
    engine.view("people_versions", TOLD_BY_TONIGHT.format(told=told), business_date)
    posted = lake.posted("member_links", business_date).parent.parent
    has_posted = engine.read("all_posted", posted)
    engine.view("posted_versions", POSTED_BEFORE if has_posted else NOTHING_POSTED, business_date)
    show_decisions(engine, lake, business_date)


def account_key(engine: Engine) -> str:
    """An expression for the key of an account: a number to look it up by."""
    return engine.fingerprint(["source", "account_id"])


def show_people(engine: Engine, accounts: str | None = None) -> None:
    """Leave `people_rows` (the sealed row that counts, of each table) and `input_people` (the
    tokens of an account), for the accounts of a table or for everybody.
    """
    engine.table("people_rows", PEOPLE_ROWS.format(accounts=_of(accounts)))
    engine.table("input_people", PEOPLE.format(rows="people_rows"))


def people_of(accounts: str | None) -> str:
    """A query for the tokens of the accounts of a table, or of everybody, as input_people."""
    return PEOPLE.format(rows=f"({PEOPLE_ROWS.format(accounts=_of(accounts))}) as newest")


def show_posted(engine: Engine) -> None:
    """Leave `input_posted` (the member that each account of `touched` was posted to last) and
    `member_ages` (since when each of these members is posted).
    """
    engine.table("input_posted", POSTED)
    engine.table("member_ages", AGES)


def _of(accounts: str | None) -> str:
    """The join that keeps the versions of some accounts."""
    if accounts is None:
        return ""
    return f"join {accounts} a on a.source = v.source and a.account_id = v.account_id"


def show_decisions(engine: Engine, lake: Lake, business_date: date) -> None:
    """Show what people decided up to a night as input_decisions, the oldest first."""
    rows = [
        {
            "decision_number": number,
            "is_must_link": decision.decision == MUST_LINK,
            "one_source": decision.one.source,
            "one_account_id": decision.one.account_id,
            "other_source": decision.other.source,
            "other_account_id": decision.other.account_id,
            "effective_from": decision.effective_from,
        }
        for number, decision in enumerate(decisions_in_force(lake, business_date))
    ]
    engine.load("input_decisions", pa.Table.from_pylist(rows, DECISION_COLUMNS))


def _versions(engine: Engine, folder: Path, number: int) -> str:
    """A query for one restricted table; empty for a table about something else than accounts."""
    columns = set(engine.read(f"restricted_{number}", folder))
    if not {"account_id", "version", "name_token", "load_date"} <= columns:
        return ""
    own = {"source": f"'{folder.parent.name}'", "table_name": f"'{folder.name}'"}
    own["load_date"] = "cast(load_date as date)"
    selected = [
        f"{own.get(name) or (name if name in columns else f'cast(null as {kind})')} as {name}"
        for name, kind in PEOPLE_TYPES.items()
    ]
    return f"select {', '.join(selected)} from restricted_{number} where account_id is not null"


NOBODY = "select {} where false".format(
    ", ".join(f"cast(null as {kind}) as {name}" for name, kind in PEOPLE_TYPES.items())
)

TOLD_BY_TONIGHT = """
select * from ({told}) as told where load_date <= $business_date
"""

# The newest version of an account counts, also where it says that there is no name any more.
PEOPLE_ROWS = """
select *
from (
    select
        v.*,
        row_number() over (
            partition by v.source, v.table_name, v.account_id
            order by v.version desc, v.load_date desc, {order}, v.key_ref
        ) as version_rank
    from people_versions v
    {{accounts}}
) as ranked
where version_rank = 1
""".format(order=", ".join(f"v.{name} desc nulls last" for name in TOKEN_COLUMNS))

# A table without names takes away none that another gives. Of two that count equally the larger
# token stays, so that the order of rows and tables decides nothing.
PEOPLE = """
select source, account_id, {}
from {{rows}}
group by source, account_id
""".format(", ".join(f"max({name}) as {name}" for name in TOKEN_COLUMNS))

POSTED_BEFORE = """
select source, account_id, member_id, cast(posted_date as date) as posted_date
from all_posted
where cast(posted_date as date) < $business_date
"""

NOTHING_POSTED = """
select
    cast(null as string) as source,
    cast(null as string) as account_id,
    cast(null as string) as member_id,
    cast(null as date) as posted_date
where false
"""

POSTED = """
select p.source, p.account_id, max_by(p.member_id, p.posted_date) as member_id
from posted_versions p
join touched t on t.source = p.source and t.account_id = p.account_id
group by p.source, p.account_id
"""

AGES = """
select member_id, min(posted_date) as since_date
from posted_versions
where member_id in (select member_id from input_posted)
group by member_id
"""
