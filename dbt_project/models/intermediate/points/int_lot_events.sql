-- What opens lots: opening balances, and awards in the instalments of their business, which become usable one after
-- the other. Whole points of an instalment by largest remainder; a business without vesting gives them at once. A line
-- of a legacy balance may bring its last day along.
with ratings as (

    select * from {{ ref('int_ratings') }}

),

vesting as (

    select * from {{ ref('int_rules__vesting') }}

),

brought as (

    select
        activity_id,
        expires_on_date as last_date
    from {{ ref('int_legacy_balances') }}
    where expires_on_date is not null

),

shares as (

    select
        ratings.*,
        vesting.instalment is null as is_whole,
        coalesce(vesting.instalment, 1) as instalment,
        coalesce(vesting.after_days, 0) as after_days,
        {{ divide_down('ratings.points * coalesce(vesting.percent, 100)', '100') }} as whole_points,
        (ratings.points * coalesce(vesting.percent, 100)) % 100 as remainder
    from ratings
    left join vesting
        on ratings.business = vesting.business
        and ratings.outcome = 'awarded'
        and ratings.business_date >= vesting.valid_from_date
        and ratings.business_date < vesting.valid_until_date
    where ratings.outcome in ('awarded', 'opened')

),

ranked as (

    select
        *,
        points - sum(whole_points) over (partition by activity_id, rule) as left_points,
        count(*) over (partition by activity_id, rule) as instalment_count,
        row_number() over (partition by activity_id, rule order by remainder desc, instalment) as share_rank
    from shares
    where not is_whole
    -- Most awards come at once; windows over all of them were a quarter of this step.
    union all
    select *, 0 as left_points, 1 as instalment_count, 1 as share_rank
    from shares
    where is_whole

),

lots as (

    select
        member_id,
        source,
        account_id,
        ranked.activity_id,
        activity_type,
        case when outcome = 'opened' then 'opening' else 'accrual' end as event_type,
        business_date,
        occurred_at,
        business,
        cast(whole_points + case when share_rank <= left_points then 1 else 0 end as bigint) as points,
        case when outcome = 'opened' then 'opening/' else '' end || ranked.activity_id
            || case when rule = 'base' then '' else '/' || rule end
            || case when instalment_count = 1 then '' else '/' || cast(instalment as string) end as lot_id,
        {{ add_days('business_date', 'after_days') }} as release_on_date,
        brought.last_date,
        rule_id,
        price_date
    from ranked
    left join brought on ranked.activity_id = brought.activity_id

)

select * from lots
