{{ config(materialized='file', joins_as_written=true) }}

-- What is rated again tonight: everything of touched members, and whatever else is new or changed. What reverses an
-- order or a redemption belongs to whoever that belongs to, with or without a card.
with activities as (

    select * from {{ ref('int_activities') }}

),

reversals as (

    select * from {{ ref('int_reversals') }}

),

originals as (

    select * from {{ ref('int_reversed_activities') }}

),

postings as (

    select * from {{ ref('int_activity_postings') }}

),

-- New or changed; what reverses it, and what it reverses, is rated with it.
changed as (

    select activity_id from postings
    union
    select reverses_activity_id from postings
    where reverses_activity_id is not null
    union
    select reversals.activity_id
    from reversals
    inner join postings on reversals.reverses_activity_id = postings.activity_id

),

accounts as (

    select
        links.source,
        links.account_id,
        links.member_id,
        touched.member_id is not null as is_touched
    from {{ ref('int_member_links') }} as links
    left join {{ ref('int_touched_members') }} as touched on links.member_id = touched.member_id

),

owned as (

    select
        activities.activity_id,
        activities.activity_type,
        activities.business,
        activities.business_date,
        activities.occurred_at,
        activities.reverses_activity_id,
        activities.merchant_id,
        activities.channel,
        activities.category,
        activities.discount_fen,
        activities.paid_fen,
        activities.points,
        activities.source,
        activities.account_id,
        case when originals.activity_id is null then activities.source else originals.source end as owner_source,
        case
            when originals.activity_id is null then activities.account_id else originals.account_id
        end as owner_account_id,
        originals.business_date as original_date
    from activities
    left join originals on activities.reverses_activity_id = originals.activity_id

),

touched as (

    select
        owned.*,
        accounts.member_id
    from owned
    left join accounts
        on owned.owner_source = accounts.source
        and owned.owner_account_id = accounts.account_id
    left join changed on owned.activity_id = changed.activity_id
    cross join {{ ref('int_tonight') }} as tonight
    where accounts.is_touched
        or changed.activity_id is not null
        or tonight.is_everything_touched

)

select * from touched
