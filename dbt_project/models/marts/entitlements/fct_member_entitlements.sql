-- What each member may have by tier; benefits add up over tiers.
with member_tiers as (

    select * from {{ ref('dim_member_tiers') }}

),

tiers as (

    select * from {{ ref('int_tier_rules') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

benefits as (

    select
        benefits.*,
        tiers.tier_rank as lowest_tier_rank
    from {{ ref('int_rules__benefits') }} as benefits
    inner join tonight
        on benefits.valid_from_date <= tonight.business_date
        and benefits.valid_until_date > tonight.business_date
    inner join tiers on benefits.lowest_tier = tiers.tier

),

entitlements as (

    select
        member_tiers.member_id,
        benefits.benefit,
        benefits.benefit_name,
        benefits.business,
        benefits.quantity,
        benefits.quantity_unit,
        member_tiers.tier,
        member_tiers.valid_until_date,
        benefits.rule_id
    from member_tiers
    inner join benefits on member_tiers.tier_rank >= benefits.lowest_tier_rank

)

select * from entitlements
