-- What opens lots: opening balances, and awards in the instalments of their business, which become usable one after
-- the other. Whole points of an instalment by largest remainder; a business without vesting gives them at once. A line
-- of a legacy balance may bring its last day along.
with vesting as (

    select * from {{ ref('int_rules__vesting') }}

),

brought as (

    select
        activity_id,
        expires_on_date as last_date
    from {{ ref('int_legacy_balances') }}
    where expires_on_date is not null

),

-- Most awards come at once; windows over all of them were a quarter of this step.
at_once as (

    select ratings.*
    from {{ ref('int_ratings') }} as ratings
    left join vesting
        on ratings.business = vesting.business
        and ratings.outcome = 'awarded'
        and ratings.business_date >= vesting.valid_from_date
        and ratings.business_date < vesting.valid_until_date
    where ratings.outcome in ('awarded', 'opened')
        and vesting.business is null

),

instalments as (

    select
        ratings.*,
        vesting.instalment,
        vesting.after_days,
        {{ divide_down('ratings.points * vesting.percent', '100') }} as whole_points,
        (ratings.points * vesting.percent) % 100 as remainder
    from {{ ref('int_ratings') }} as ratings
    inner join vesting
        on ratings.business = vesting.business
        and ratings.business_date >= vesting.valid_from_date
        and ratings.business_date < vesting.valid_until_date
    where ratings.outcome = 'awarded'

),

shares as (

    select
        *,
        {{ largest_remainder('whole_points', 'remainder', 'points', 'activity_id, rule', 'instalment') }} as share_points,
        count(*) over (partition by activity_id, rule) as instalment_count
    from instalments

),

awards as (

    select
        member_id, source, account_id, activity_id, activity_type, outcome, business_date, occurred_at, business,
        points, rule, '' as place, cast(0 as bigint) as after_days, rule_id, price_date
    from at_once
    union all
    select
        member_id, source, account_id, activity_id, activity_type, outcome, business_date, occurred_at, business,
        share_points, rule, case when instalment_count = 1 then '' else '/' || cast(instalment as string) end,
        after_days, rule_id, price_date
    from shares

),

lots as (

    select
        member_id,
        source,
        account_id,
        awards.activity_id,
        activity_type,
        case when outcome = 'opened' then 'opening' else 'accrual' end as event_type,
        business_date,
        occurred_at,
        business,
        points,
        case when outcome = 'opened' then 'opening/' else '' end || awards.activity_id
            || case when rule = 'base' then '' else '/' || rule end || place as lot_id,
        {{ add_days('business_date', 'after_days') }} as release_on_date,
        brought.last_date,
        rule_id,
        price_date
    from awards
    left join brought on awards.activity_id = brought.activity_id

)

select * from lots
