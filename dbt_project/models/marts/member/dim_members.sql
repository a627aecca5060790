-- The 360° profile: one row a member. No personal data in clear; soft attributes come from the account that was
-- seen first and has them.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

accounts as (

    select
        links.member_id,
        accounts.*
    from {{ ref('int_accounts') }} as accounts
    inner join {{ ref('int_member_links') }} as links
        on accounts.source = links.source
        and accounts.account_id = links.account_id

),

profiles as (

    select
        member_id,
        min(first_seen_date) as first_seen_date,
        count(*) as account_count,
        count(distinct business) as business_count,
        {{ first_known('gender') }} as gender,
        {{ first_known('birth_year') }} as birth_year,
        {{ first_known('mobile_masked') }} as mobile_masked,
        {{ first_known('name_masked') }} as name_masked,
        max(case when is_marketing_consented then 1 else 0 end) = 1 as is_marketing_consented
    from accounts
    group by member_id

),

businesses as (

    select * from {{ ref('fct_member_businesses') }}

),

activity as (

    select
        member_id,
        min(first_activity_date) as first_activity_date,
        max(last_activity_date) as last_activity_date,
        sum(activity_count) as activity_count,
        sum(paid_365_days_fen) as paid_365_days_fen,
        sum(paid_total_fen) as paid_total_fen
    from businesses
    group by member_id

),

favourites as (

    select
        member_id,
        business,
        row_number() over (
            partition by member_id
            order by paid_365_days_fen desc, activity_count desc, business
        ) as favourite_rank
    from businesses

),

expiring as (

    select
        lots.member_id,
        sum(lots.remaining_points) as points_expiring_30_days
    from {{ ref('fct_points_lots') }} as lots
    cross join tonight
    where lots.expires_on_date <= {{ add_days('tonight.business_date', '30') }}
    group by lots.member_id

),

members as (

    select
        profiles.member_id,
        profiles.first_seen_date,
        profiles.account_count,
        profiles.business_count,
        profiles.gender,
        profiles.birth_year,
        profiles.mobile_masked,
        profiles.name_masked,
        tiers.tier,
        tiers.tier_name,
        tiers.valid_until_date as tier_valid_until_date,
        tiers.growth_value,
        balances.balance_points as points_balance,
        cast(coalesce(expiring.points_expiring_30_days, 0) as bigint) as points_expiring_30_days,
        activity.first_activity_date,
        activity.last_activity_date,
        cast(coalesce(activity.activity_count, 0) as bigint) as activity_count,
        cast(coalesce(activity.paid_365_days_fen, 0) as bigint) as paid_365_days_fen,
        cast(coalesce(activity.paid_total_fen, 0) as bigint) as paid_total_fen,
        favourites.business as favourite_business,
        profiles.is_marketing_consented
    from profiles
    left join activity on profiles.member_id = activity.member_id
    left join favourites
        on profiles.member_id = favourites.member_id
        and favourites.favourite_rank = 1
    left join expiring on profiles.member_id = expiring.member_id
    left join {{ ref('dim_member_tiers') }} as tiers on profiles.member_id = tiers.member_id
    left join {{ ref('fct_points_balances') }} as balances on profiles.member_id = balances.member_id

)

select * from members
