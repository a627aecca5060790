{{ config(materialized='table') }}

-- Payments delivered since the last night, and those of a bill that was.
with bills as (
    {{- touched_documents(source('property', 'fee_bills'), ['bill_no'], 'bill_no') }}

),

touched as (
    {{- touched_documents(source('property', 'fee_payments'), ['payment_no'], 'payment_no') }}
    union all
    select payments.payment_no as document_no
    from {{ source('property', 'fee_payments') }} as payments
    where payments.bill_no in (select document_no from bills)

)

select * from touched
