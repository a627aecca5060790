{{ config(materialized='file') }}

-- Everything that moves a metric of tiers, by member.
with links as (

    select * from {{ ref('int_member_links') }}

),

of_accounts as (

    select * from {{ ref('int_vested_money') }}
    union all
    select * from {{ ref('int_metric_counts') }}

),

of_members as (

    select
        links.member_id,
        of_accounts.activity_id,
        of_accounts.occurred_at,
        of_accounts.business_date,
        of_accounts.origin_date,
        of_accounts.metric,
        of_accounts.value
    from of_accounts
    inner join links
        on of_accounts.source = links.source
        and of_accounts.account_id = links.account_id
    union all
    select member_id, activity_id, occurred_at, business_date, origin_date, metric, value
    from {{ ref('int_metric_visits') }}

),

tier_values as (

    select of_members.*
    from of_members
    inner join {{ ref('int_tonight') }} as tonight on of_members.business_date <= tonight.business_date
    where of_members.value <> 0

)

select * from tier_values
