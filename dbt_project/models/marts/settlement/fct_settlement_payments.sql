-- What finance has paid, entry by entry, as its journal holds it. A payment belongs to the month of the bank's date, and counts
-- like a line: recorded late, it counts for the month in which it was recorded.
with payments as (

    select * from {{ ref('int_recorded_payments') }}

),

terms as (

    select * from {{ ref('int_rules__close_terms') }}

),

restated as (

    select * from {{ ref('int_restated_months') }}

),

in_months as (

    select
        payments.payment_id,
        payments.bank_reference,
        payments.paid_date,
        payments.posted_date,
        {{ counted_month('payments.posted_date', 'payments.origin_month') }} as period_month,
        payments.origin_month,
        payments.payer_party,
        payments.payee_party,
        payments.amount_fen,
        payments.is_reversal,
        payments.recorded_by,
        payments.note,
        payments.source_file,
        payments.source_row
    from payments
    left join terms
        on payments.origin_month >= terms.valid_from_date
        and payments.origin_month < terms.valid_until_date
    left join restated on payments.origin_month = restated.restated_month

)

select * from in_months
