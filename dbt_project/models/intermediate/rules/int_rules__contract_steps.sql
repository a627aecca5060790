with rules as (

    {{ written_tonight(source('rules', 'contract_steps')) }}

),

named as (

    select
        contract_id,
        from_fen,
        until_fen,
        per_10000
    from rules

)

select * from named
