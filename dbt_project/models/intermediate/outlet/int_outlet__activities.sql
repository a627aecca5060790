-- One activity an invoice. A cancellation names no invoice that it takes back, so no points are found to take back.
with lines as (

    select * from {{ ref('stg_outlet__invoice_lines') }}

),

invoices as (

    select
        invoice_no,
        min(document_type) as activity_type,
        min(account_id) as account_id,
        min(invoiced_at) as invoiced_at,
        min(business_date) as business_date,
        sum(amount_fen) as paid_fen,
        sum(quantity) as quantity,
        min(source_file) as source_file,
        min(source_row) as source_row,
        max(load_date) as load_date
    from lines
    group by invoice_no

),

activities as (

    select
        {{ activity_id('outlet', 'invoice', 'invoice_no') }} as activity_id,
        'outlet' as source,
        invoice_no as document_no,
        account_id,
        activity_type,
        invoiced_at as occurred_at,
        business_date,
        cast(null as string) as reverses_activity_id,
        cast(null as string) as unit_id,
        cast(null as string) as merchant_id,
        'store' as channel,
        cast(null as string) as category,
        cast(paid_fen as bigint) as gross_fen,
        cast(paid_fen as bigint) as paid_fen,
        cast(0 as bigint) as points,
        cast(quantity as bigint) as quantity,
        source_file,
        source_row,
        load_date
    from invoices

)

select * from activities
