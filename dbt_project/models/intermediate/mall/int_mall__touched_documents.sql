{{ config(materialized='table') }}

-- Receipts with a line or a tender delivered since the last night.
with touched as (
    {{- touched_documents(source('pos', 'sales'), ['receipt_no', 'line_no'], 'receipt_no') }}
    union all
    {{- touched_documents(source('pos', 'tenders'), ['receipt_no', 'tender_no'], 'receipt_no') }}

)

select * from touched
