-- Growth value in the window that ends tonight.
with growth_values as (

    select * from {{ ref('int_growth_values') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

policy as (

    select policies.window_months
    from {{ ref('int_rules__tier_policy') }} as policies
    inner join tonight
        on policies.valid_from_date <= tonight.business_date
        and policies.valid_until_date > tonight.business_date

),

growth as (

    select
        growth_values.member_id,
        cast(sum(growth_values.growth_value) as bigint) as growth_value
    from growth_values
    cross join tonight
    cross join policy
    where growth_values.business_date <= tonight.business_date
        and growth_values.business_date > {{ add_months('tonight.business_date', '-policy.window_months') }}
    group by growth_values.member_id

)

select * from growth
