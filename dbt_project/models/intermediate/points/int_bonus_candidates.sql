{{ config(materialized='file') }}

-- Every activity of a member with every bonus rule in whose scope it is: business, kind, date, merchant, channel,
-- category, weekday of the business date, and time of day by the business's clocks. What is inside a legacy balance is
-- no candidate. Of a channel that earns nothing only rules give that name it; a percentage of the base gives none where
-- the base gives none.
with earners as (

    select
        activity_id, source, account_id, member_id, business, activity_type, business_date, occurred_at, merchant_id,
        channel, category, discount_fen, paid_fen, tier, rate, most_points_per_order, outcome, refund_policy
    from {{ ref('int_capped_orders') }}
    where member_id is not null
        and paid_fen > 0
        and coalesce(outcome <> 'in_legacy_balance', true)
    union all
    select
        activity_id, source, account_id, member_id, business, activity_type, business_date, occurred_at, merchant_id,
        channel, category, cast(0 as bigint) as discount_fen, cast(0 as bigint) as paid_fen, tier,
        cast(0 as bigint) as rate, cast(null as bigint) as most_points_per_order, cast(null as string) as outcome,
        cast(null as string) as refund_policy
    from {{ ref('int_rated_behaviours') }}

),

offsets as (

    select * from {{ ref('int_rules__zone_offsets') }}

),

timed as (

    select
        earners.*,
        cast({{ weekday_of('earners.business_date') }} as string) as weekday,
        {{ minute_of_day('earners.occurred_at') }} as minute_of_day
    from earners
    inner join offsets
        on earners.business = offsets.business
        and earners.business_date >= offsets.valid_from_date
        and earners.business_date < offsets.valid_until_date

),

rules as (

    select * from {{ ref('int_rules__bonus_rules') }}

),

candidates as (

    select
        timed.activity_id,
        timed.source,
        timed.account_id,
        timed.member_id,
        timed.business,
        timed.activity_type,
        timed.business_date,
        timed.occurred_at,
        timed.discount_fen,
        timed.paid_fen,
        timed.tier,
        timed.rate as base_rate,
        timed.most_points_per_order,
        case
            when timed.outcome = 'channel_excluded' and (rules.channels is null or rules.percent_of_base is not null)
                then timed.outcome
            when timed.outcome in ('discounted', 'no_rule_in_force', 'cap_reached') and rules.percent_of_base is not null
                then timed.outcome
        end as base_reason,
        timed.refund_policy,
        {{ bonus_rule_columns('rules') }}
    from timed
    inner join rules
        on timed.business = rules.business
        and timed.activity_type = rules.activity_type
        and timed.business_date >= rules.valid_from_date
        and timed.business_date < rules.valid_until_date
        and {{ is_listed('timed.merchant_id', 'rules.merchants') }}
        and {{ is_listed('timed.channel', 'rules.channels') }}
        and {{ is_listed('timed.category', 'rules.categories') }}
        and {{ is_listed('timed.weekday', 'rules.weekdays') }}
        and (rules.from_minute is null or {{ is_within_day('timed.minute_of_day', 'rules') }})

)

select * from candidates
