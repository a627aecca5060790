with sales as (

    select * from {{ ref('stg_pos__sales') }}

),

tenders as (

    select * from {{ ref('stg_pos__tenders') }}

),

receipts as (

    select
        receipt_no,
        min(store_no) as store_no,
        min(merchant_id) as merchant_id,
        min(account_id) as account_id,
        min(sold_at) as sold_at,
        min(business_date) as business_date,
        max(original_receipt_no) as original_receipt_no,
        case when min(category) = max(category) then min(category) end as category,
        sum(list_fen) as list_fen,
        sum(due_fen) as due_fen,
        sum(quantity) as quantity,
        min(source_file) as source_file,
        min(source_row) as source_row,
        max(load_date) as load_date
    from sales
    group by receipt_no

),

paid as (

    select
        receipt_no,
        sum(case when tender_type in ('voucher', 'points') then 0 else amount_fen end) as money_fen,
        sum(case when tender_type = 'points' then points else 0 end) as points,
        max(load_date) as load_date
    from tenders
    group by receipt_no

),

joined as (

    select
        receipts.receipt_no,
        receipts.store_no,
        receipts.merchant_id,
        receipts.account_id,
        receipts.sold_at,
        receipts.business_date,
        receipts.original_receipt_no,
        receipts.category,
        receipts.source_file,
        receipts.source_row,
        cast(receipts.list_fen as bigint) as gross_fen,
        cast(coalesce(paid.money_fen, receipts.due_fen) as bigint) as paid_fen,
        cast(coalesce(paid.points, 0) as bigint) as points,
        cast(receipts.quantity as bigint) as quantity,
        greatest(receipts.load_date, coalesce(paid.load_date, receipts.load_date)) as load_date
    from receipts
    left join paid on receipts.receipt_no = paid.receipt_no

)

select * from joined
