-- What the fold found that tonight's refunds take back.
with legs as (

    {{ written_tonight(source('ledger', 'refund_legs')) }}

),

named as (

    select
        activity_id,
        merchant_party,
        other_party,
        movement_type,
        rule_id,
        amount_fen
    from legs

)

select * from named
