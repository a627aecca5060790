with posted as (

    select * from {{ source('posted', 'member_links') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

changes as (

    select source, account_id, posted_date, previous_member_id, member_id, reason
    from posted
    where posted_date < (select business_date from tonight)
    union all
    select
        link_changes.source,
        link_changes.account_id,
        tonight.business_date as posted_date,
        link_changes.previous_member_id,
        link_changes.member_id,
        link_changes.reason
    from {{ source('identity', 'link_changes') }} as link_changes
    inner join tonight on link_changes.load_date = tonight.business_date

)

select * from changes
