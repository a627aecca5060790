-- Rows and fen of every landing file by what became of them.
with postings as (

    select source, table_name, source_file, outcome, row_count, total_fen
    from {{ ref('int_posted__row_outcomes') }}
    union all
    select source, table_name, source_file, outcome, row_count, total_fen
    from {{ ref('int_outcome_postings') }}

),

outcomes as (

    select
        source,
        table_name,
        source_file,
        sum(case when outcome = 'loaded' then row_count else 0 end) as loaded_count,
        sum(case when outcome = 'loaded' then total_fen else 0 end) as loaded_total_fen,
        sum(case when outcome = 'duplicate' then row_count else 0 end) as duplicate_count,
        sum(case when outcome = 'duplicate' then total_fen else 0 end) as duplicate_total_fen,
        sum(case when outcome = 'superseded' then row_count else 0 end) as superseded_count,
        sum(case when outcome = 'superseded' then total_fen else 0 end) as superseded_total_fen,
        sum(case when outcome = 'quarantined' then row_count else 0 end) as quarantined_count,
        sum(case when outcome = 'quarantined' then total_fen else 0 end) as quarantined_total_fen
    from postings
    group by source, table_name, source_file

)

select * from outcomes
