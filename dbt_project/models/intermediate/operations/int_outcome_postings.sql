{{ config(materialized='table') }}

-- What became of delivered rows, as the difference that tonight makes: loaded, duplicate (says the same as the row that
-- counts), superseded (a newer version counts) or quarantined (contradicts a row of its own version).
with delivered as (

    select * from {{ ref('int_delivered_rows') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

states as (

    select
        delivered.*,
        1 as sign
    from delivered
    union all
    select
        delivered.*,
        -1 as sign
    from delivered
    inner join tonight on delivered.load_date <= tonight.previous_date

),

-- A row that a person released stands in raw twice; the release counts.
rows_once as (

    select
        *,
        row_number() over (
            partition by sign, source, table_name, source_file, source_row order by version desc
        ) as copy_rank
    from states

),

compared as (

    select
        *,
        min(row_hash) over (partition by sign, source, table_name, row_key, version)
            = max(row_hash) over (partition by sign, source, table_name, row_key, version) as is_agreed
    from rows_once
    where copy_rank = 1

),

ranked as (

    select
        *,
        max(case when is_agreed then version end) over (partition by sign, source, table_name, row_key)
            as counting_version,
        row_number() over (
            partition by sign, source, table_name, row_key, version order by load_date, source_file, source_row
        ) as version_rank
    from compared

),

outcomes as (

    select
        source,
        table_name,
        source_file,
        case
            when version < counting_version then 'superseded'
            when not is_agreed then 'quarantined'
            when version_rank = 1 then 'loaded'
            else 'duplicate'
        end as outcome,
        sign,
        amount_fen
    from ranked

),

differences as (

    select
        source,
        table_name,
        source_file,
        outcome,
        cast(sum(sign) as bigint) as row_count,
        cast(sum(sign * amount_fen) as bigint) as total_fen
    from outcomes
    group by source, table_name, source_file, outcome
    having sum(sign) <> 0 or sum(sign * amount_fen) <> 0

)

select * from differences
