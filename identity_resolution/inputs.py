"""What a night's resolution reads of the lake, shown as tables of the engine.

Leaves input_accounts and input_identifiers (dbt's shapes of tonight), input_people (source,
account_id, name_token, surname_token and the blocking keys), people_rows (which sealed row of
which table says so), input_posted (the member that each account was posted to last), member_ages
(since when each member is posted) and input_decisions.
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
    engine.view("people_versions", " union all ".join(filter(None, [NOBODY, *versions])))
    engine.table("people_rows", PEOPLE_ROWS, business_date)
    engine.table("input_people", PEOPLE)
    posted = lake.posted("member_links", business_date).parent.parent
    has_posted = engine.read("posted_versions", posted)
    engine.table("input_posted", POSTED if has_posted else NOTHING_POSTED, business_date)
    engine.table("member_ages", AGES if has_posted else NO_AGES, business_date)
    show_decisions(engine, lake, business_date)


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

# The newest version of an account counts, also where it says that there is no name any more.
PEOPLE_ROWS = """
with ranked as (
    select
        *,
        row_number() over (
            partition by source, table_name, account_id
            order by version desc, load_date desc, {order}, key_ref
        ) as version_rank
    from people_versions
    where load_date <= $business_date
)
select * from ranked where version_rank = 1
""".format(order=", ".join(f"{name} desc nulls last" for name in TOKEN_COLUMNS))

# A table without names takes away none that another gives. Of two that count equally the larger
# token stays, so that the order of rows and tables decides nothing.
PEOPLE = """
select source, account_id, max(version) as version, max(load_date) as load_date, {}
from people_rows
group by source, account_id
""".format(", ".join(f"max({name}) as {name}" for name in TOKEN_COLUMNS))

POSTED = """
select
    source,
    account_id,
    max_by(member_id, posted_date) as member_id
from posted_versions
where posted_date < $business_date
group by source, account_id
"""

AGES = """
select member_id, cast(min(posted_date) as date) as since_date
from posted_versions
where posted_date < $business_date
group by member_id
"""

NO_AGES = """
select cast(null as string) as member_id, cast(null as date) as since_date
where false
"""

NOTHING_POSTED = """
select
    cast(null as string) as source,
    cast(null as string) as account_id,
    cast(null as string) as member_id
where false
"""
