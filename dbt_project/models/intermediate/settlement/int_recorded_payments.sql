-- The journal of payments as tonight knows it.
with payments as (

    {{ written_tonight(source('rules', 'payments')) }}

),

recorded as (

    select
        payment_id,
        bank_reference,
        payer_party,
        payee_party,
        amount_fen,
        paid_date,
        posted_date,
        {{ month_of('paid_date') }} as origin_month,
        is_reversal,
        recorded_by,
        note,
        source_file,
        source_row
    from payments

)

select * from recorded
