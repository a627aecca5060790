-- Rows of tonight's batches that missed an expectation: the first 1,000 of each, named by their keys.
with failing_rows as (

    {{ written_tonight(source('deliveries', 'failing_rows')) }}

),

named as (

    select
        load_date,
        source,
        table_name,
        expectation,
        failure_number,
        row_key,
        source_file,
        source_row
    from failing_rows

)

select * from named
