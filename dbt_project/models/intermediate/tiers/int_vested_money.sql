-- Value of money on the days from which it counts: while points of an order are pending, what it is worth to tiers is,
-- too, unless the feed says otherwise (RULES §5). It counts in the order's instalments, what a refund takes back of each
-- from its release on; parts are rounded down together, so that they sum to the whole.
with money as (

    select * from {{ ref('int_metric_money') }}

),

instalments as (

    select
        business,
        after_days,
        valid_from_date,
        valid_until_date,
        cast(sum(percent) over instalment as bigint) as percent_with_it,
        cast((sum(percent) over instalment) - percent as bigint) as percent_before_it
    from {{ ref('int_rules__vesting') }}
    window instalment as (
        partition by business, valid_from_date order by after_days
        rows between unbounded preceding and current row
    )

),

parts as (

    select
        money.*,
        instalments.business is not null as is_vesting,
        case
            when instalments.business is not null then {{ add_days('money.origin_date', 'instalments.after_days') }}
        end as release_date,
        case
            when instalments.business is null then money.value
            else case when money.value < 0 then -1 else 1 end * ({{ divide_down('abs(money.value) * instalments.percent_with_it', '100') }}
                - {{ divide_down('abs(money.value) * instalments.percent_before_it', '100') }})
        end as part_value
    from money
    left join instalments
        on money.business = instalments.business
        and money.origin_date >= instalments.valid_from_date
        and money.origin_date < instalments.valid_until_date
        and not money.is_pending_counted

),

vested as (

    select
        activity_id,
        source,
        account_id,
        case
            when is_vesting and release_date > business_date then cast(release_date as timestamp) else occurred_at
        end as occurred_at,
        case when is_vesting and release_date > business_date then release_date else business_date end as business_date,
        case when is_vesting then release_date else origin_date end as origin_date,
        metric,
        cast(part_value as bigint) as value
    from parts

)

select * from vested
