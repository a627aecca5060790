-- I11: of every member touched tonight, every lot and every day add up; nothing is left in any lot past its last day or
-- waits past its day of release. Who is not touched has the entries that earlier nights were held to.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

each_one as (

    select is_violation from {{ ref('int_lot_closings') }}
    union all
    select is_violation from {{ ref('int_refilled_lot_days') }}
    union all
    select is_violation from {{ ref('int_member_days') }}
    union all
    select is_violation from {{ ref('int_debtor_days') }}
    union all
    select
        (lots.remaining_points <> 0 and coalesce(lots.expires_on_date <= tonight.business_date, false))
            or (lots.pending_points <> 0 and coalesce(lots.release_on_date <= tonight.business_date, false))
            as is_violation
    from {{ ref('fct_points_lots') }} as lots
    cross join tonight

),

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from each_one

)

select * from checked
