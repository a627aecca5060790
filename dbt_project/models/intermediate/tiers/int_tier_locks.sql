-- Tiers held at least from a day through another one, by member: those that people hold fast, and those that members
-- brought from systems before this one.
with locks as (

    {{ written_tonight(source('rules', 'tier_locks')) }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

member_locks as (

    select
        links.member_id,
        locks.tier,
        locks.from_date,
        locks.until_date,
        'lock' as reason
    from locks
    inner join links
        on locks.source = links.source
        and locks.account_id = links.account_id
    union all
    select member_id, tier, from_date, until_date, 'migration' as reason
    from {{ ref('int_opening_tiers') }}

)

select * from member_locks
