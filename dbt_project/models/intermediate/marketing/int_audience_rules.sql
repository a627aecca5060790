-- Audiences in force tonight.
with audiences as (

    select * from {{ ref('int_rules__audiences') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

in_force as (

    select
        audiences.audience,
        audiences.audience_name,
        audiences.kind,
        audiences.limit_value,
        audiences.issuer,
        audiences.account_at
    from audiences
    inner join tonight
        on audiences.valid_from_date <= tonight.business_date
        and audiences.valid_until_date > tonight.business_date

)

select * from in_force
