-- Of every night, because what is shown is compared with what is believed tonight, and makes no activity.
with source as (

    select * from {{ source('miniprogram', 'orders') }}

),

latest as (
{{ latest_version('source', ['order_no']) }}
),

shown as (

    select order_no, user_id as account_id, business_date, shown_points
    from latest
    where shown_points is not null

)

select * from shown
