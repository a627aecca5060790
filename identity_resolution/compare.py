"""Records that no identifier settles, compared field by field with Splink (Fellegi and Sunter,
"A theory for record linkage", 1969).

Candidates are pairs of accounts that share a blocking key and that no identifier has brought
together. Only they are unsealed. The model is frozen (comparison.json, made by `train`): the weight
of a pair follows from its two records alone, so it is the same on every night, whoever else there
is. Weights are kept in thousandths of a bit.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from identity_resolution.engine import Engine
from identity_resolution.settings import MODEL_FILE, IdentitySettings
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.privacy import Keys, read_keys, unseal

PERSONAL = ("name", "name_key", "birth", "mobile", "address")
UNSEALED = pa.schema([("account", pa.int32()), *((name, pa.string()) for name in PERSONAL)])

# Leaves `unsealed` (UNSEALED) for the accounts of `candidate_accounts`.
Unsealer = Callable[[Engine], None]

CANDIDATES = """
with block_holders as (
    select h.value_id, h.account, coalesce(g.component, h.account) as key_group
    from holders h
    join shared_values v on v.value_id = h.value_id
    left join key_groups g on g.account = h.account
    where v.is_block
)
select
    cast(row_number() over (order by l.account, r.account) as integer) as pair_id,
    l.account as low,
    r.account as high,
    min(l.value_id) as value_id
from block_holders l
join block_holders r on r.value_id = l.value_id and r.account > l.account
where l.key_group <> r.key_group
group by l.account, r.account
"""

CANDIDATE_ACCOUNTS = """
select a.account, a.source, a.account_id
from accounts a
where a.account in (select low from candidates union select high from candidates)
"""

# Splink looks at one table of records, so each pair brings its own two, blocked by their pair.
PAIR_RECORDS = """
select
    e.pair_id,
    e.pair_id * 2 + e.side as unique_id,
    {fields},
    case when d.token is null then p.birth end as birth,
    a.gender
from (
    select pair_id, 0 as side, low as account from candidates
    union all
    select pair_id, 1 as side, high as account from candidates
) e
join accounts a on a.account = e.account
join compared_people p on p.account = e.account
left join input_people i on i.source = a.source and i.account_id = a.account_id
left join default_births d on d.token = i.birth_token
""".format(fields=", ".join(f"p.{name}" for name in PERSONAL if name != "birth"))

PEOPLE = """
select account, {}
from unsealed
group by account
""".format(", ".join(f"max({name}) as {name}" for name in PERSONAL))

NO_EDGES = """
select
    cast(null as integer) as link_rank,
    cast(null as integer) as value_id,
    cast(null as integer) as low,
    cast(null as integer) as high,
    cast(null as integer) as weight
where false
"""

EDGES = """
select
    {rank} as link_rank,
    c.value_id,
    c.low,
    c.high,
    cast(floor(w.match_weight * 1000) as integer) as weight
from weighed w
join candidates c on c.pair_id = w.pair_id_l
"""


def compare_candidates(engine: Engine, settings: IdentitySettings, unsealer: Unsealer) -> None:
    """Leave `compared_edges`: pairs that no identifier settles and whose weight is enough.

    Reads accounts, holders, shared_values and edges of find_evidence.
    """
    from identity_resolution.components import find_components  # noqa: PLC0415 - imports Numba

    first_unnamed = settings.first_unnamed_rank
    engine.table("named_edges", f"select low, high from edges where link_rank < {first_unnamed}")
    find_components(engine, "named_edges", "key_groups")
    engine.table("candidates", CANDIDATES)
    engine.table("candidate_accounts", CANDIDATE_ACCOUNTS)
    if not engine.rows("select 1 as one from candidates limit 1").num_rows:
        engine.table("compared_edges", NO_EDGES)
        return
    unsealer(engine)
    engine.table("compared_people", PEOPLE)
    engine.table("pair_records", PAIR_RECORDS)
    engine.weigh("weighed", "pair_records", load_model(), settings.comparison.least_weight_bits)
    engine.table("compared_edges", EDGES.format(rank=first_unnamed - 1))


def load_model(path: Path = MODEL_FILE) -> dict[str, Any]:
    """The frozen comparison model in Splink's own form; Problem if it cannot be read."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise Problem(
            f"cannot read {path}: {error}; make it with `python -m identity_resolution train`"
        ) from error


def unseal_lake(engine: Engine, lake: Lake, keys_file: Path) -> None:
    """Unsealer of the restricted zone; its tables are shown as inputs.show_inputs left them."""
    keys = read_keys(keys_file)
    folders = sorted((lake.root / "restricted").glob("*/*"))
    parts = [
        SEALED.format(number=number, source=folder.parent.name, table=folder.name)
        for number, folder in enumerate(folders)
        if engine.read(f"sealed_{number}", folder)
        and engine.read(
            f"sealed_keys_{number}",
            lake.root / "restricted" / "keys" / folder.parent.name / folder.name,
        )
    ]
    query = " union all ".join(parts)
    engine.map_rows("unsealed", query, partial(unsealed_rows, keys=keys), UNSEALED)


def unsealed_rows(rows: pa.Table, keys: Keys) -> pa.Table:
    """What is compared of each sealed row (account, context, wrapped_key, sealed), as UNSEALED; a
    record without anything to compare gives a row of NULLs.
    """
    people = [
        json.loads(unseal(keys, wrapped, sealed, context)).get("compared") or {}
        for context, wrapped, sealed in zip(
            *(rows[name].to_pylist() for name in ("context", "wrapped_key", "sealed")), strict=True
        )
    ]
    columns = {name: [person.get(name) for person in people] for name in PERSONAL}
    return pa.table({"account": rows["account"], **columns}, schema=UNSEALED)


# The context binds a sealed value to its place (ingest.partitions).
SEALED = """
select
    c.account,
    '{source}|{table}|' || c.account_id as context,
    k.wrapped_key,
    s.sealed
from candidate_accounts c
join people_rows p on p.source = c.source and p.account_id = c.account_id
join sealed_{number} s on s.key_ref = p.key_ref
join sealed_keys_{number} k on k.key_ref = s.key_ref
where p.source = '{source}' and p.table_name = '{table}'
"""
