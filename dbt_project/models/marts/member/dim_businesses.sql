with businesses as (

    select * from {{ ref('int_rules__businesses') }}

),

freshness as (

    select
        business,
        min(case when policy <> 'note' then last_delivered_date end) as last_good_date,
        max(case when is_provisional then 1 else 0 end) = 1 as is_provisional
    from {{ ref('fct_source_freshness') }}
    group by business

),

described as (

    select
        businesses.business,
        businesses.business_name,
        businesses.legal_entity_name,
        businesses.unified_social_credit_code,
        freshness.last_good_date,
        coalesce(freshness.is_provisional, false) as is_provisional
    from businesses
    left join freshness on businesses.business = freshness.business

)

select * from described
