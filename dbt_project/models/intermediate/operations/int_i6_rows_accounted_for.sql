-- I6: rows in = loaded + duplicate + quarantined, for every file, in rows and in fen.
with reconciliation as (

    select * from {{ ref('fct_load_reconciliation') }}

),

checked as (

    select
        count(*) as checked_count,
        count_if(not is_balanced) as violation_count
    from reconciliation

)

select * from checked
