{{ config(materialized='file') }}

-- How far each metric of tiers has moved, by member and day: of everybody, since windows end every day.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

of_members as (

    select
        links.member_id,
        account_values.metric,
        account_values.business_date,
        account_values.origin_date,
        account_values.value
    from {{ ref('int_account_values') }} as account_values
    inner join {{ ref('int_member_links') }} as links
        on account_values.source = links.source
        and account_values.account_id = links.account_id
    union all
    select member_id, metric, business_date, origin_date, value
    from {{ ref('int_metric_visits') }}

),

tier_values as (

    select of_members.*
    from of_members
    inner join tonight on of_members.business_date <= tonight.business_date
    where of_members.value <> 0

)

select * from tier_values
