-- What each receipt of tonight's touched documents was paid with.
with tenders as (

    select * from {{ ref('stg_pos__tenders') }}

),

summed as (

    select
        receipt_no,
        tender_type,
        voucher_no,
        cast(sum(amount_fen) as bigint) as amount_fen
    from tenders
    group by receipt_no, tender_type, voucher_no

),

paid as (

    select
        {{ activity_id('pos', 'receipt', 'receipt_no') }} as activity_id,
        tender_type,
        voucher_no,
        amount_fen
    from summed

)

select * from paid
