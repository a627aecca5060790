with tonight as (

    select * from {{ ref('int_tonight') }}

),

entries as (

    select
        entries.posted_date,
        entries.entry_id,
        entries.points,
        entries.is_reversal,
        {{ points_entry_columns() }}
    from {{ ref('int_posted__points_entries') }} as entries
    union all
    select
        (select business_date from tonight) as posted_date,
        entry_id,
        points,
        is_reversal,
        {{ points_entry_columns() }}
    from {{ ref('int_points_postings') }}

)

select * from entries
