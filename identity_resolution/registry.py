"""Member ids that last: each old id goes where most of its accounts went, and every change has one
row.

Nothing is kept but what was posted: the last posted link of each account says which member it
belonged to.
"""

from datetime import date

from identity_resolution.engine import Engine


def name_members(engine: Engine, business_date: date) -> None:
    """Give each group of accounts its member id.

    Reads `accounts`, `groups` (account, root: the oldest account of its group), input_posted
    (source, account_id, member_id: the link posted last before tonight), member_ages (member_id,
    since_date: the night that first posted it) and input_decisions; leaves `members` (account,
    member_id, previous_member_id, reason).

    An old id goes to the group with most of its accounts, else to the group with the oldest
    account. A group that several old ids want keeps the oldest of them: the one posted first, else
    the member with the oldest account, else the smaller id. A group that gets none is named after
    its oldest account and the night's date.

    reason: new; merge or split; manual where a decision of tonight is about an account of the old
    or the new member; NULL where nothing changed.
    """
    for name, query in REGISTRY.items():
        engine.table(name, query, business_date)
    clashes = engine.rows(CLASH).to_pylist()
    if clashes:
        raise AssertionError(f"two groups were given the member id {clashes[0]['member_id']}")


PREVIOUS = """
select a.account, g.root, p.member_id
from input_posted p
join accounts a on a.source = p.source and a.account_id = p.account_id
join groups g on g.account = a.account
"""

OLD_MEMBERS = """
with torn as (
    select member_id, min(account) as first_account, min(root) < max(root) as is_torn
    from previous
    group by member_id
)
select t.member_id, t.first_account, t.is_torn, g.since_date
from torn t
left join member_ages g on g.member_id = t.member_id
"""

# Most old members lie whole in one group; only torn ones have to choose.
KEPT = """
with parts as (
    select member_id, root, count(*) as account_count
    from previous
    group by member_id, root
),
choices as (
    select member_id, root, account_count
    from (
        select
            *,
            row_number() over (partition by member_id order by account_count desc, root) as choice
        from parts
        where member_id in (select member_id from old_members where is_torn)
    ) as torn
    where choice = 1
    union all
    select o.member_id, o.root, o.account_count
    from parts o
    join old_members m on m.member_id = o.member_id
    where not m.is_torn
),
ranked as (
    select
        c.root,
        c.member_id,
        row_number() over (
            partition by c.root
            order by m.since_date nulls last, m.first_account, c.member_id
        ) as claimant
    from choices c
    join old_members m on m.member_id = c.member_id
)
select root, member_id from ranked where claimant = 1
"""

# The date is part of a new id, because an account that leaves a member that carries its name needs
# another one.
GROUP_IDS = """
select
    a.account as root,
    coalesce(
        k.member_id,
        'M' || substr(md5(
            a.source || '|' || a.account_id || '|' || cast($business_date as string)
        ), 1, 15)
    ) as member_id
from accounts a
left join kept k on k.root = a.account
where a.account in (select root from groups)
"""

MEMBERS = """
select
    g.account,
    i.member_id,
    case when p.member_id is distinct from i.member_id then p.member_id end as previous_member_id,
    case
        when p.member_id is null then 'new'
        when p.member_id = i.member_id then null
        when d.member_id is not null or e.member_id is not null then 'manual'
        when k.member_id is null then 'merge'
        else 'split'
    end as reason
from groups g
join group_ids i on i.root = g.root
left join previous p on p.account = g.account
left join kept k on k.member_id = p.member_id
left join decided_members d on d.member_id = p.member_id
left join decided_members e on e.member_id = i.member_id
"""

# Old and new members of the accounts that a decision of tonight is about.
DECIDED_MEMBERS = """
with decided as (
    select one_source as source, one_account_id as account_id
    from input_decisions where effective_from = $business_date
    union
    select other_source, other_account_id
    from input_decisions where effective_from = $business_date
)
select i.member_id
from decided d
join accounts a on a.source = d.source and a.account_id = d.account_id
join groups g on g.account = a.account
join group_ids i on i.root = g.root
union
select p.member_id
from decided d
join accounts a on a.source = d.source and a.account_id = d.account_id
join previous p on p.account = a.account
"""

CLASH = "select member_id from group_ids group by member_id having count(*) > 1 limit 1"

# In this order: each reads what stands before it.
REGISTRY = {
    "previous": PREVIOUS,
    "old_members": OLD_MEMBERS,
    "kept": KEPT,
    "group_ids": GROUP_IDS,
    "decided_members": DECIDED_MEMBERS,
    "members": MEMBERS,
}
