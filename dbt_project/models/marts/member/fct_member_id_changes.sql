with posted as (

    select * from {{ ref('int_posted__member_links') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

changes as (

    select source, account_id, posted_date, previous_member_id, member_id, reason
    from posted
    union all
    select
        link_changes.source,
        link_changes.account_id,
        tonight.business_date as posted_date,
        link_changes.previous_member_id,
        link_changes.member_id,
        link_changes.reason
    from {{ ref('int_link_changes') }} as link_changes
    cross join tonight

)

select * from changes
