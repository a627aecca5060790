-- What the tier fold derived tonight for touched members.
with derived as (

    {{ written_tonight(source('ledger', 'tier_periods')) }}

)

select * from derived
