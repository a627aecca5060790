"""Households: members who share a car, an address, or a phone and a surname. Never one person.

A household is named after its oldest account. It says who belongs together tonight; unlike a
member's id it is not kept when a car is sold or somebody moves out.
"""

from identity_resolution.components import find_components
from identity_resolution.engine import Engine

# A value that too many hold says nothing about a household either.
HOUSEHOLD_TIES = """
select
    v.value_id,
    v.kind,
    min(h.account) over (
        partition by v.value_id, case when k.must_surnames_agree then a.surname else 0 end
    ) as low,
    h.account as high
from holders h
join shared_values v on v.value_id = h.value_id
join kinds k on k.kind = v.kind
join accounts a on a.account = h.account
where v.account_count <= k.household_limit
and (not k.must_surnames_agree or a.surname >= 0)
"""

# Accounts of one member are of one household anyway.
HOUSEHOLD_EDGES = """
select low, high from household_ties where low < high
union all
select root as low, account as high from groups where root < account
"""

MEMBER_HOUSEHOLDS = """
with roots as (
    select h.component, m.member_id, min(m.account) as first_account
    from household_components h
    join members m on m.account = h.account
    group by h.component, m.member_id
),
several as (
    select component from roots group by component having count(*) > 1
),
tied as (
    select kind, low as account from household_ties where low < high
    union
    select kind, high as account from household_ties where low < high
),
evidence as (
    select
        c.component,
        m.member_id,
        max(case when k.value_type = 'address' then 1 else 0 end) as shares_address,
        max(case when k.value_type = 'plate' then 1 else 0 end) as shares_plate,
        max(case when k.value_type = 'mobile' then 1 else 0 end) as shares_mobile
    from tied t
    join household_components c on c.account = t.account
    join members m on m.account = t.account
    join kinds k on k.kind = t.kind
    group by c.component, m.member_id
)
select
    r.member_id,
    'H' || substr(md5(a.source || '|' || a.account_id), 1, 15) as household_id,
    coalesce(e.shares_address, 0) = 1 as shares_address,
    coalesce(e.shares_plate, 0) = 1 as shares_plate,
    coalesce(e.shares_mobile, 0) = 1 as shares_mobile,
    o.component
from roots r
join several s on s.component = r.component
join accounts a on a.account = r.component
join component_names o on o.account = r.component
left join evidence e on e.component = r.component and e.member_id = r.member_id
"""


def find_households(engine: Engine) -> None:
    """Leave `member_households` for the members of `members`: those who are not alone.

    Reads holders, shared_values, kinds, accounts, groups and component_names besides.
    """
    engine.table("household_ties", HOUSEHOLD_TIES)
    engine.table("household_edges", HOUSEHOLD_EDGES)
    find_components(engine, "household_edges", "household_components")
    engine.table("member_households", MEMBER_HOUSEHOLDS)
