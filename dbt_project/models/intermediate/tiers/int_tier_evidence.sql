-- What the tier fold derived tonight about each change and metric of touched members.
with derived as (

    {{ written_tonight(source('ledger', 'tier_evidence')) }}

)

select * from derived
