-- What the fold says about touched members tonight.
with derived as (

    {{ written_tonight(source('ledger', 'points_entries')) }}

)

select * from derived
