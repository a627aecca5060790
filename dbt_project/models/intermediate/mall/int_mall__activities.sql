with receipts as (

    select * from {{ ref('int_mall__receipts') }}

),

movements as (

    select
        *,
        case when original_receipt_no is null then 'purchase' else 'refund' end as activity_type,
        {{ activity_id('pos', 'receipt', 'receipt_no') }} as activity_id,
        {{ activity_id('pos', 'receipt', 'original_receipt_no') }} as reverses_activity_id
    from receipts
    union all
    select
        *,
        case when original_receipt_no is null then 'points_redemption' else 'points_return' end as activity_type,
        {{ activity_id('pos', 'points', 'receipt_no') }} as activity_id,
        {{ activity_id('pos', 'points', 'original_receipt_no') }} as reverses_activity_id
    from receipts
    where points <> 0

),

activities as (

    select
        activity_id,
        'pos' as source,
        receipt_no as document_no,
        account_id,
        activity_type,
        sold_at as occurred_at,
        business_date,
        reverses_activity_id,
        store_no as unit_id,
        merchant_id,
        'store' as channel,
        category,
        case when activity_type in ('purchase', 'refund') then gross_fen else 0 end as gross_fen,
        case when activity_type in ('purchase', 'refund') then paid_fen else 0 end as paid_fen,
        case when activity_type in ('purchase', 'refund') then 0 else abs(points) end as points,
        case when activity_type in ('purchase', 'refund') then quantity end as quantity,
        source_file,
        source_row,
        load_date
    from movements

)

select * from activities
