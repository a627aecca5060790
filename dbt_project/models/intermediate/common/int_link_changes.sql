with link_changes as (

    select * from {{ source('identity', 'link_changes') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

tonights_changes as (

    select
        link_changes.source,
        link_changes.account_id,
        link_changes.previous_member_id,
        link_changes.member_id,
        link_changes.reason
    from link_changes
    inner join tonight on link_changes.load_date = tonight.business_date

)

select * from tonights_changes
