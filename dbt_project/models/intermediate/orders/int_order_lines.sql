{{ config(materialized='file') }}

-- What the settlement lines of tonight's touched documents should say in all.
with movements as (

    select * from {{ ref('int_order_taxes') }}

),

documents as (

    select * from {{ ref('int_order_documents') }}

),

lines as (

    select
        documents.business_date,
        movements.movement_type,
        case
            when {{ is_paid_by_merchant('movements.movement_type') }} then movements.merchant_party
            else movements.other_party
        end as payer_party,
        case
            when {{ is_paid_by_merchant('movements.movement_type') }} then movements.other_party
            else movements.merchant_party
        end as payee_party,
        documents.source,
        documents.account_id,
        movements.activity_id,
        movements.rule_id,
        movements.amount_fen,
        movements.rounding_micro_fen,
        movements.tax_treatment,
        movements.tax_per_mille,
        movements.tax_fen,
        documents.document_no,
        documents.unit_id,
        documents.order_fen,
        documents.source_file,
        documents.source_row
    from movements
    inner join documents on movements.activity_id = documents.activity_id

)

select * from lines
