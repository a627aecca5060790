with tonight as (

    select * from {{ source('work', 'tonight') }}

),

night as (

    select
        business_date,
        coalesce(previous_date, cast('1970-01-01' as date)) as previous_date,
        run_key,
        is_everything_touched
    from tonight

)

select * from night
