with behaviours as (

    select * from {{ ref('int_behaviours') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

member_behaviours as (

    select
        behaviours.source,
        behaviours.event_id,
        behaviours.business,
        links.member_id,
        behaviours.account_id,
        behaviours.event_type,
        behaviours.occurred_at,
        behaviours.business_date,
        behaviours.page,
        behaviours.item_id,
        behaviours.offer_id,
        referred.member_id as referred_member_id,
        behaviours.referred_account_id,
        behaviours.reward_points,
        behaviours.source_file,
        behaviours.source_row,
        behaviours.load_date
    from behaviours
    left join links
        on behaviours.source = links.source
        and behaviours.account_id = links.account_id
    left join links as referred
        on behaviours.source = referred.source
        and behaviours.referred_account_id = referred.account_id

)

select * from member_behaviours
