-- Revenue of points (RULES §11): to date = allocated x used to date / expected to be used in all, the ratio unrounded.
-- What the month adds is told apart: by what was used, at the estimate of the month before, and by the change of the
-- estimate. Once nothing is held any more, what was used is all that could be expected.
with estimates as (

    select * from {{ ref('int_breakage_estimates') }}

),

expected as (

    select
        *,
        {{ expected_use('redeemed_per_10000') }} as expected_10000ths,
        {{ expected_use('previous_redeemed_per_10000') }} as previously_expected_10000ths
    from estimates

),

recognised as (

    select
        *,
        case when used_points > 0 then {{ whole_share('allocated_fen', 'used_points * 10000', 'expected_10000ths') }}
            else 0 end as revenue_to_date_fen,
        case when used_points > 0
            then {{ whole_share('allocated_fen', 'used_points * 10000', 'previously_expected_10000ths') }}
            else 0 end as revenue_by_previous_estimate_fen
    from expected

),

running as (

    select
        *,
        coalesce(lag(revenue_to_date_fen) over (
            partition by issuer_business, issue_month
            order by period_month
        ), 0) as opening_revenue_fen
    from recognised

),

breakage as (

    select
        period_month,
        issuer_business,
        issue_month,
        cast(allocated_fen as bigint) as allocated_fen,
        cast(kept_points as bigint) as issued_to_date_points,
        cast(used_points as bigint) as used_to_date_points,
        cast(held_points as bigint) as held_points,
        redeemed_per_10000,
        cast({{ divide_down('expected_10000ths', '10000') }} as bigint) as expected_points,
        cast(opening_revenue_fen as bigint) as opening_revenue_fen,
        cast(revenue_by_previous_estimate_fen - opening_revenue_fen as bigint) as redemption_revenue_fen,
        cast(revenue_to_date_fen - revenue_by_previous_estimate_fen as bigint) as estimate_change_fen,
        cast(revenue_to_date_fen as bigint) as revenue_to_date_fen,
        cast(allocated_fen - revenue_to_date_fen as bigint) as deferred_fen,
        rule_id
    from running

)

select * from breakage
