{{ config(materialized='table') }}

with tonight as (

    select * from {{ source('work', 'tonight') }}

),

night as (

    select
        business_date,
        coalesce(previous_date, cast('1970-01-01' as date)) as previous_date,
        -- Deliveries after this date are read; all of them when everything is derived again.
        case
            when is_everything_touched then cast('1970-01-01' as date)
            else coalesce(previous_date, cast('1970-01-01' as date))
        end as news_after_date,
        run_key,
        is_everything_touched
    from tonight

)

select * from night
