-- I10: of each migration, what the legacy system owed = what the ledger opened + the exceptions; each line has an outcome.
with migrations as (

    select * from {{ ref('fct_migrations') }}

),

each_one as (

    select delivered_points <> opened_points + excepted_points as is_violation
    from migrations
    union all
    select outcome is null as is_violation
    from {{ ref('int_legacy_outcomes') }}

),

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from each_one

)

select * from checked
