-- Tiers that members bring from systems before this one: from the day after the cut-over through the agreed one.
with activities as (

    select * from {{ ref('int_activities') }}
    where activity_type = 'opening_balance'

),

tiers as (

    select * from {{ ref('int_rules__migration_tiers') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

opening_tiers as (

    select distinct
        links.member_id,
        tiers.tier,
        {{ add_days('tiers.cut_over_date', '1') }} as from_date,
        tiers.kept_through_date as until_date
    from activities
    inner join tiers
        on activities.business = tiers.business
        and activities.business_date = tiers.cut_over_date
        and activities.category = tiers.legacy_tier_name
    inner join links
        on activities.source = links.source
        and activities.account_id = links.account_id

)

select * from opening_tiers
