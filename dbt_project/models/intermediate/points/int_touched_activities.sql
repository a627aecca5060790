{{ config(materialized='table') }}

-- What is rated again tonight: everything of touched members, and whatever else is new or changed. A refund or return
-- belongs to whoever its order belongs to, with or without a card.
with activities as (

    select * from {{ ref('int_activities') }}

),

owned as (

    select
        activities.activity_id,
        activities.reverses_activity_id,
        original.activity_id as original_id,
        case when original.activity_id is null then activities.source else original.source end as source,
        case when original.activity_id is null then activities.account_id else original.account_id end as account_id
    from activities
    left join activities as original on activities.reverses_activity_id = original.activity_id

),

of_members as (

    select owned.activity_id
    from owned
    inner join {{ ref('int_member_links') }} as links
        on owned.source = links.source
        and owned.account_id = links.account_id
    inner join {{ ref('int_touched_members') }} as touched on links.member_id = touched.member_id

),

-- Of orders that have no member, all are new or changed where everything counts as touched. What reverses an order
-- that changed, or is gone, is rated with it.
posted as (

    select owned.activity_id, owned.original_id
    from owned
    cross join {{ ref('int_tonight') }} as tonight
    left join {{ ref('int_activity_postings') }} as postings on owned.activity_id = postings.activity_id
    left join {{ ref('int_activity_postings') }} as originals on owned.reverses_activity_id = originals.activity_id
    where tonight.is_everything_touched
        or postings.activity_id is not null
        or originals.activity_id is not null

),

touched as (

    select activity_id from of_members
    union
    select activity_id from posted
    union
    select original_id as activity_id from posted
    where original_id is not null

)

select * from touched
