{{ config(materialized='table') }}

-- Invoices delivered since the last night.
with touched as (
    {{- touched_documents(source('outlet', 'invoice_lines'), ['invoice_no', 'stock_code', 'copy_no'], 'invoice_no') }}

)

select * from touched
