{{ config(materialized='file') }}

-- What moves points or decides how long they last, for the members whose ledger is derived again tonight. Put into
-- order by a query of its own (int_points_events): together they need more memory than a long history may take.
with ratings as (

    select
        *,
        case outcome
            when 'returned' then 'restore'
            when 'redeemed' then 'redemption'
            else 'claw_back'
        end as event_type
    from {{ ref('int_ratings') }}
    where outcome in ('returned', 'redeemed', 'clawed_back')

),

touched as (

    select * from {{ ref('int_touched_members') }}

),

joined as (

    select * from {{ ref('int_member_joined') }}

),

qualifying as (

    select * from {{ ref('int_rules__qualifying_activity') }}

),

events as (

    select
        member_id, source, account_id, activity_id, activity_type, event_type, business_date, occurred_at, business,
        points, reverses_activity_id as target_activity_id, refund_policy, cast(null as string) as lot_id,
        cast(null as date) as release_on_date, cast(null as date) as last_date, cast(null as string) as tier, rule_id,
        price_date
    from ratings
    where points > 0
    union all
    select
        member_id, source, account_id, activity_id, activity_type, event_type, business_date, occurred_at, business,
        points, null, null, lot_id, release_on_date, last_date, null, rule_id, price_date
    from {{ ref('int_lot_events') }}
    where points > 0
    union all
    select
        member_id, source, account_id, activity_id, activity_type, 'renewal', business_date, occurred_at, business,
        points, null, null, null, null, null, null, rule_id, business_date
    from {{ ref('int_renewal_events') }}
    where points > 0
    union all
    select
        member_id, source, account_id, activity_id, activity_type, 'clock', business_date, occurred_at, business,
        0, null, null, null, null, null, null, null, null
    from {{ ref('int_clock_events') }}
    union all
    select
        member_id, null, null, null, null, 'tier', business_date, occurred_at, null,
        0, null, null, null, null, null, tier, null, null
    from {{ ref('int_tier_exemptions') }}

),

ranked as (

    select
        events.*,
        joined.joined_date,
        qualifying.activity_type is not null as is_qualifying,
        case events.event_type
            when 'tier' then 1
            when 'opening' then 2
            when 'restore' then 3
            when 'redemption' then 4
            when 'renewal' then 5
            when 'accrual' then 6
            when 'claw_back' then 7
            else 8
        end as event_rank
    from events
    inner join touched on events.member_id = touched.member_id
    left join joined on events.member_id = joined.member_id
    left join qualifying
        on events.activity_type = qualifying.activity_type
        and events.business_date >= qualifying.valid_from_date
        and events.business_date < qualifying.valid_until_date

)

select * from ranked
