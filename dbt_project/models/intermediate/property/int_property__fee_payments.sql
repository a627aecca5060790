with payments as (

    select * from {{ ref('stg_property__fee_payments') }}

),

bills as (

    select * from {{ ref('stg_property__fee_bills') }}

),

payments_with_bill as (

    select
        payments.payment_no,
        payments.account_id,
        payments.paid_at,
        payments.business_date,
        payments.channel,
        payments.gross_fen,
        payments.paid_fen,
        payments.points_used,
        payments.original_payment_no,
        payments.source_file,
        payments.source_row,
        payments.load_date,
        bills.unit_no,
        bills.fee_type
    from payments
    left join bills on payments.bill_no = bills.bill_no

)

select * from payments_with_bill
