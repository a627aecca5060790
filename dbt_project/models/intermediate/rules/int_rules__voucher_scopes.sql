with rules as (

    {{ written_tonight(source('rules', 'voucher_scopes')) }}

),

named as (

    select
        merchant_id,
        category,
        rule_id
    from rules

)

select * from named
