-- What members did in each business; an opening balance is nothing that anybody did.
with activities as (

    select * from {{ ref('fct_activities') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

by_business as (

    select
        activities.member_id,
        activities.business,
        min(activities.business_date) as first_activity_date,
        max(activities.business_date) as last_activity_date,
        count(*) as activity_count,
        cast(sum(activities.paid_fen) as bigint) as paid_total_fen,
        cast(sum(case
            when activities.business_date > {{ add_days('tonight.business_date', '-365') }} then activities.paid_fen
            else 0
        end) as bigint) as paid_365_days_fen
    from activities
    cross join tonight
    where activities.member_id is not null
        and activities.activity_type <> 'opening_balance'
    group by activities.member_id, activities.business

)

select * from by_business
