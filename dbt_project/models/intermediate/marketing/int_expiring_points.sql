-- Points whose last usable day lies within an audience's limit of days.
with lots as (

    select * from {{ ref('fct_points_lots') }}

),

audiences as (

    select * from {{ ref('int_audience_rules') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

expiring as (

    select
        audiences.audience,
        lots.member_id,
        cast(sum(lots.remaining_points) as bigint) as expiring_points
    from lots
    cross join tonight
    inner join audiences
        on audiences.kind = 'points_expiring_within_days'
        and lots.expires_on_date <= {{ add_days('tonight.business_date', 'audiences.limit_value') }}
    group by audiences.audience, lots.member_id
    having sum(lots.remaining_points) > 0

)

select * from expiring
