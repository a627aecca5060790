-- What each receipt of tonight's touched documents sold of each merchant.
with sales as (

    select * from {{ ref('stg_pos__sales') }}

),

merchants as (

    select
        receipt_no,
        merchant_id,
        max(original_receipt_no) as original_receipt_no,
        min(account_id) as account_id,
        min(sold_at) as sold_at,
        min(business_date) as business_date,
        case when min(category) = max(category) then min(category) end as category,
        cast(sum(due_fen) as bigint) as due_fen,
        min(source_file) as source_file,
        min(source_row) as source_row
    from sales
    group by receipt_no, merchant_id

),

items as (

    select
        {{ activity_id('pos', 'receipt', 'receipt_no') }} as activity_id,
        {{ activity_id('pos', 'receipt', 'original_receipt_no') }} as reverses_activity_id,
        'pos' as source,
        account_id,
        sold_at as occurred_at,
        business_date,
        merchant_id,
        category,
        due_fen,
        source_file,
        source_row
    from merchants

)

select * from items
