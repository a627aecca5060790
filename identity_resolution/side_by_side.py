"""A night beside what others would make of the same accounts: plain Splink, and shared keys alone.

The accounts' records are unsealed in memory and nothing of them is written.
"""

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from identity_resolution.compare import PEOPLE, unseal_lake
from identity_resolution.components import components_of
from identity_resolution.engine import DuckDbEngine
from identity_resolution.evaluate import Evaluation, show_holdings
from identity_resolution.looked_up import tonight_of
from identity_resolution.records.report import judge, methods_table, plain_splink
from identity_resolution.records.table import Field, Records, arranged
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.settings import Settings

OURS = "OneMember"
FIELDS = (
    Field("document", "document", "id_document"),
    Field("account", "document", "unionid"),
    Field("email", "email", "email"),
    Field("full_name", "full_name", "name_key"),
    Field("birth_date", "birth_date", "birth"),
    Field("phone", "phone", "mobile"),
    Field("gender", "gender", "gender"),
    Field("address", "address", "address"),
)
LABELLED = """
select
    cast(row_number() over (order by a.source, a.account_id) - 1 as integer) as account,
    a.source,
    a.account_id,
    a.gender,
    t.person_id
from input_accounts a
join truth t on t.source = a.source and t.account_id = a.account_id
"""
RECORDS = """
select
    c.account,
    c.person_id,
    max(case when i.identifier_type = 'id_document' then i.identifier_token end) as id_document,
    max(case when i.identifier_type = 'unionid' then i.identifier_token end) as unionid,
    max(case when i.identifier_type = 'email' then i.identifier_token end) as email,
    max(p.name_key) as name_key,
    max(p.birth) as birth,
    max(p.mobile) as mobile,
    max(c.gender) as gender,
    max(p.address) as address
from candidate_accounts c
left join compared_people p on p.account = c.account
left join input_identifiers i on i.source = c.source and i.account_id = c.account_id
group by c.account, c.person_id
order by c.account
"""
SHARED_KEYS = """
with held as (
    select
        c.account,
        min(c.account) over (partition by h.kind, h.token) as first_account,
        count(*) over (partition by h.kind, h.token) as account_count,
        k.account_limit
    from all_holdings h
    join kinds k on k.kind = h.kind and k.named_rank is not null
    join candidate_accounts c on c.source = h.source and c.account_id = h.account_id
)
select first_account as low, account as high
from held
where first_account < account and account_count <= account_limit
"""


def compare_night(settings: Settings, night: date, truth: Path, found: Evaluation) -> str:
    """A Markdown table of methods on the labelled accounts of the night in work/, ours first."""
    lake = Lake(settings.lake)
    if tonight_of(lake) != night:
        raise Problem(f"--compare needs the night in work/, and that is not {night}; run it first")
    with duckdb.connect(config={"memory_limit": settings.memory_limit}) as connection:
        engine = DuckDbEngine(connection)
        connection.read_parquet(str(truth)).create_view("truth")
        show_holdings(engine, lake, night)
        engine.table("candidate_accounts", LABELLED)
        unseal_lake(engine, lake, settings.keys_file)
        engine.table("compared_people", PEOPLE)
        rows, shared = engine.rows(RECORDS), engine.rows(SHARED_KEYS)
    records = as_records(rows)
    methods = {OURS: found, **plain_splink(records, "duckdb")}
    methods["any shared identifier"] = judge(records, shared_keys(records, shared))
    return "\n".join(methods_table(methods))


def as_records(rows: pa.Table) -> Records:
    """Accounts as records of the general method; their id is their number."""
    columns = {field.name: rows[field.source].to_pylist() for field in FIELDS}
    ids = [str(account) for account in rows["account"].to_pylist()]
    return arranged(list(FIELDS), columns, ids, rows["person_id"].to_pylist())


def shared_keys(records: Records, shared: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The cluster of each record where every identifier that is not blocked links."""
    ends = [shared[name].to_numpy().astype(np.int32) for name in ("low", "high")]
    account, component = components_of(ends[0], ends[1])
    cluster = np.arange(len(records), dtype=np.int64)
    cluster[account] = component
    return cluster[np.array(records.ids, dtype=np.int64)]
