-- What was expected of each batch that landed tonight, and whether it was so.
with expectations as (

    {{ written_tonight(source('deliveries', 'expectations')) }}

),

outcomes as (

    select
        load_date,
        source,
        table_name,
        expectation,
        severity,
        is_met,
        observed,
        failing_count
    from expectations

)

select * from outcomes
