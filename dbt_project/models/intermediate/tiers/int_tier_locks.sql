-- Tiers that people hold fast, by member: from a day through another one.
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
        locks.until_date
    from locks
    inner join links
        on locks.source = links.source
        and locks.account_id = links.account_id

)

select * from member_locks
