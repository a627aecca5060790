{{ config(materialized='table') }}

-- Receipts with a line or a tender delivered since the last night; and, because a return takes back of what the returns
-- before it left, the sale that any of them names or named, with every return that names or named it.
with touched as (
    {{- touched_documents(source('pos', 'sales'), ['receipt_no', 'line_no'], 'receipt_no') }}
    union all
    {{- touched_documents(source('pos', 'tenders'), ['receipt_no', 'tender_no'], 'receipt_no') }}

),

lines as (

    select distinct
        receipt_no,
        original_receipt_no
    from {{ source('pos', 'sales') }}
    where load_date <= (select business_date from {{ ref('int_tonight') }})
        and original_receipt_no is not null

),

sales as (

    select document_no from touched
    union
    select lines.original_receipt_no as document_no
    from lines
    inner join touched on lines.receipt_no = touched.document_no

),

families as (

    select document_no from sales
    union
    select lines.receipt_no as document_no
    from lines
    inner join sales on lines.original_receipt_no = sales.document_no

)

select * from families
