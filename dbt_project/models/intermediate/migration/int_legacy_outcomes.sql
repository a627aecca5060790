-- What became of each line of a legacy balance tonight: its points, and its tier.
with balances as (

    select * from {{ ref('int_legacy_balances') }}

),

outcomes as (

    select * from {{ ref('int_rating_outcomes') }}
    where rule = 'base'

),

tiers as (

    select * from {{ ref('int_rules__migration_tiers') }}

),

legacy_outcomes as (

    select
        balances.business,
        balances.as_of_date as cut_over_date,
        balances.line_no,
        balances.activity_id,
        balances.source,
        balances.account_id,
        outcomes.member_id,
        balances.legacy_points,
        balances.expires_on_date,
        balances.legacy_tier_name,
        outcomes.outcome,
        coalesce(outcomes.outcome not in ('opened', 'nothing_to_open'), true) as is_excepted,
        balances.legacy_tier_name is not null and tiers.tier is null as has_unknown_tier,
        balances.source_file,
        balances.source_row
    from balances
    left join outcomes on balances.activity_id = outcomes.activity_id
    left join tiers
        on balances.business = tiers.business
        and balances.as_of_date = tiers.cut_over_date
        and balances.legacy_tier_name = tiers.legacy_tier_name

)

select * from legacy_outcomes
