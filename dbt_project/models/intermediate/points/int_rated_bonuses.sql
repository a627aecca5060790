{{ config(materialized='file') }}

-- Every candidate with its outcome by its own rule: points, clipped by what the member has had of the rule, or the
-- reason for none. A cap counts what earlier activities were offered; that is what they were given until the cap is
-- reached, and after that nothing is given anyway.
with judged as (

    select
        *,
        coalesce(reason, case when place > 1 then 'outranked' end) as refused_reason
    from {{ ref('int_bonus_offers') }}

),

offers as (

    select
        *,
        {{ month_of('business_date') }} as month_date,
        {{ year_of('coalesce(birthday_date, business_date)') }} as year_date,
        case
            when refused_reason is not null then 0
            else least(full_points, coalesce(points_per_activity, full_points))
        end as asked_points
    from judged

),

by_day as (

    select
        *,
        {{ clipped('asked_points', 'points_per_day', 'awards_per_day', 'rule, business_date') }} as day_points
    from offers

),

by_month as (

    select
        *,
        {{ clipped('day_points', 'points_per_month', 'awards_per_month', 'rule, month_date') }} as month_points
    from by_day

),

by_year as (

    select
        *,
        {{ clipped('month_points', 'points_per_year', 'awards_per_year', 'rule, year_date') }} as year_points
    from by_month

),

in_all as (

    select
        *,
        {{ clipped('year_points', 'points_in_all', 'awards_in_all', 'rule') }} as awarded_points
    from by_year

),

rated as (

    select
        activity_id,
        source,
        account_id,
        member_id,
        business,
        activity_type,
        business_date,
        occurred_at,
        rule,
        rule_id,
        rank,
        tier,
        refund_policy,
        base_rate,
        most_points_per_order,
        paid_fen,
        percent_of_base,
        points_per_10000_fen,
        points,
        for_each_fen,
        least_paid_fen,
        full_points,
        cast(awarded_points as bigint) as awarded_points,
        case
            when refused_reason is not null then refused_reason
            when awarded_points = 0 then 'cap_reached'
            else 'awarded'
        end as outcome
    from in_all

)

select * from rated
