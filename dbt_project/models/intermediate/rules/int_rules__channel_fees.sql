with rules as (

    {{ written_tonight(source('rules', 'channel_fees')) }}

),

named as (

    select
        contract_id,
        tender_type,
        per_10000
    from rules

)

select * from named
