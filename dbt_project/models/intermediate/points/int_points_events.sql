{{ config(materialized='table', post_hook="{{ hand_over() }}") }}

-- What moves points, in the order in which it counts, for the members whose ledger is derived again tonight.
with ratings as (

    select * from {{ ref('int_ratings') }}

),

touched as (

    select * from {{ ref('int_touched_members') }}

),

events as (

    select
        ratings.member_id,
        ratings.source,
        ratings.account_id,
        ratings.activity_id,
        case ratings.outcome
            when 'returned' then 'restore'
            when 'redeemed' then 'redemption'
            when 'awarded' then 'accrual'
            else 'claw_back'
        end as event_type,
        case ratings.outcome
            when 'returned' then 1
            when 'redeemed' then 2
            when 'awarded' then 3
            else 4
        end as event_rank,
        ratings.business_date,
        ratings.occurred_at,
        ratings.business,
        ratings.points,
        ratings.reverses_activity_id as target_activity_id,
        ratings.expires_on_date,
        ratings.refund_policy,
        case
            when ratings.outcome <> 'awarded' then null
            when ratings.rule = 'base' then ratings.activity_id
            else ratings.activity_id || '/' || ratings.rule
        end as lot_id,
        ratings.rule_id,
        ratings.price_date
    from ratings
    inner join touched on ratings.member_id = touched.member_id
    where ratings.outcome in ('returned', 'redeemed', 'awarded', 'clawed_back')
        and ratings.points > 0

),

ordered as (

    select * from events
    order by member_id, business_date, occurred_at, event_rank, activity_id, lot_id, rule_id

)

select * from ordered
