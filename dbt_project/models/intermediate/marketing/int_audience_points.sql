-- Points of a member that an audience asks for: in lots whose last usable day lies within its limit of days, or all that
-- are usable; of one issuer, if it names one.
with lots as (

    select * from {{ ref('fct_points_lots') }}

),

audiences as (

    select * from {{ ref('int_audience_rules') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

asked_for as (

    select
        audiences.audience,
        lots.member_id,
        lots.remaining_points
    from lots
    cross join tonight
    cross join audiences
    where (audiences.issuer is null or audiences.issuer = lots.issuer_business)
        and (audiences.kind = 'points_held_at_least'
            or (audiences.kind = 'points_expiring_within_days'
                and lots.expires_on_date <= {{ add_days('tonight.business_date', 'audiences.limit_value') }}))

),

summed as (

    select
        audience,
        member_id,
        cast(sum(remaining_points) as bigint) as points
    from asked_for
    group by audience, member_id
    having sum(remaining_points) > 0

)

select * from summed
