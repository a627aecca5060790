-- Every payment twice: it raises what its payer is owed, and lowers what its payee is owed.
with payments as (

    select * from {{ ref('fct_settlement_payments') }}

),

sides as (

    select
        payer_party as party,
        payee_party as counterparty,
        period_month,
        amount_fen as payments_fen
    from payments
    union all
    select
        payee_party as party,
        payer_party as counterparty,
        period_month,
        -amount_fen as payments_fen
    from payments

)

select * from sides
