-- The proof of each migration: what the business has signed for = what the ledger opened + what is excepted.
with signed as (

    select * from {{ ref('int_rules__migrations') }}

),

listed as (

    select
        business,
        cut_over_date,
        count(*) as delivered_line_count,
        count(distinct account_id) as delivered_account_count,
        sum(legacy_points) as delivered_points,
        count_if(outcome = 'opened') as opened_line_count,
        count_if(is_excepted) as excepted_line_count,
        sum(case when is_excepted then legacy_points else 0 end) as excepted_points,
        count_if(has_unknown_tier) as unknown_tier_line_count
    from {{ ref('int_legacy_outcomes') }}
    group by business, cut_over_date

),

opened as (

    select
        issuer_business as business,
        business_date as cut_over_date,
        sum({{ signed('points') }}) as opened_points
    from {{ ref('int_points_entries') }}
    where entry_type = 'opening_balance'
    group by issuer_business, business_date

),

quarantined as (

    select
        freshness.business,
        sum(loads.quarantined_count) as quarantined_line_count
    from {{ ref('fct_load_reconciliation') }} as loads
    inner join {{ ref('fct_source_freshness') }} as freshness on loads.source = freshness.source
    where loads.table_name = 'legacy_balances'
    group by freshness.business

),

joined as (

    select
        coalesce(signed.business, listed.business, opened.business) as business,
        coalesce(signed.cut_over_date, listed.cut_over_date, opened.cut_over_date) as cut_over_date,
        signed.legacy_system_name,
        signed.signed_account_count,
        coalesce(listed.delivered_account_count, 0) as delivered_account_count,
        signed.signed_points,
        coalesce(listed.delivered_points, 0) as delivered_points,
        coalesce(opened.opened_points, 0) as opened_points,
        coalesce(listed.excepted_points, 0) as excepted_points,
        coalesce(listed.delivered_line_count, 0) as delivered_line_count,
        coalesce(listed.opened_line_count, 0) as opened_line_count,
        coalesce(listed.excepted_line_count, 0) as excepted_line_count,
        coalesce(listed.unknown_tier_line_count, 0) as unknown_tier_line_count,
        signed.rule_id
    from signed
    full outer join listed
        on signed.business = listed.business
        and signed.cut_over_date = listed.cut_over_date
    full outer join opened
        on coalesce(signed.business, listed.business) = opened.business
        and coalesce(signed.cut_over_date, listed.cut_over_date) = opened.cut_over_date

),

migrations as (

    select
        joined.business,
        joined.cut_over_date,
        joined.legacy_system_name,
        case
            when joined.rule_id is null then 'not_signed'
            when joined.delivered_line_count = 0 then 'awaited'
            when joined.signed_points <> joined.opened_points + joined.excepted_points
                or joined.signed_account_count <> joined.delivered_account_count
                or coalesce(quarantined.quarantined_line_count, 0) > 0 then 'differs'
            else 'agreed'
        end as status,
        cast(joined.signed_account_count as bigint) as signed_account_count,
        cast(joined.delivered_account_count as bigint) as delivered_account_count,
        cast(joined.signed_points as bigint) as signed_points,
        cast(joined.delivered_points as bigint) as delivered_points,
        cast(joined.opened_points as bigint) as opened_points,
        cast(joined.excepted_points as bigint) as excepted_points,
        cast(joined.signed_points - joined.opened_points - joined.excepted_points as bigint) as difference_points,
        cast(joined.delivered_line_count as bigint) as delivered_line_count,
        cast(joined.opened_line_count as bigint) as opened_line_count,
        cast(joined.excepted_line_count as bigint) as excepted_line_count,
        cast(joined.unknown_tier_line_count as bigint) as unknown_tier_line_count,
        cast(coalesce(quarantined.quarantined_line_count, 0) as bigint) as quarantined_line_count,
        joined.rule_id
    from joined
    left join quarantined on joined.business = quarantined.business

)

select * from migrations
