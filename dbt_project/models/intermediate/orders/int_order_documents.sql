{{ config(materialized='file') }}

-- Each touched document: an order whose parts are all positive, a refund of one whose parts are all negative, or one that
-- cannot be settled with anybody yet, with the reason.
with items as (

    select * from {{ ref('int_order_items') }}

),

components as (

    select
        activity_id,
        min(amount_fen) as least_fen,
        max(amount_fen) as most_fen
    from {{ ref('int_order_components') }}
    group by activity_id

),

documents as (

    select
        business,
        source,
        activity_id,
        max(reverses_activity_id) as reverses_activity_id,
        min(account_id) as account_id,
        min(occurred_at) as occurred_at,
        min(business_date) as business_date,
        min(source_file) as source_file,
        min(source_row) as source_row,
        min(due_fen) as least_due_fen,
        max(due_fen) as most_due_fen
    from items
    group by business, source, activity_id

),

signed as (

    select
        documents.*,
        least(least_due_fen, least_fen) >= 0 as is_positive,
        greatest(most_due_fen, most_fen) <= 0 as is_negative
    from documents
    inner join components on documents.activity_id = components.activity_id

),

kinds as (

    select
        signed.*,
        activities.document_no,
        activities.unit_id,
        activities.paid_fen as order_fen,
        case
            when signed.reverses_activity_id is null and signed.is_positive then 'order'
            when signed.is_negative and originals.reverses_activity_id is null and originals.is_positive then 'refund'
            else 'unsettled'
        end as document_kind,
        case
            when signed.reverses_activity_id is null and signed.is_positive then null
            when not signed.is_negative then 'suspense/mixed_document'
            when signed.reverses_activity_id is null then 'suspense/refund_names_no_order'
            when originals.activity_id is null then 'suspense/unknown_order'
            when originals.reverses_activity_id is not null or not originals.is_positive then 'suspense/order_not_settled'
        end as suspense_reason
    from signed
    left join signed as originals on signed.reverses_activity_id = originals.activity_id
    left join {{ ref('int_activities') }} as activities on signed.activity_id = activities.activity_id

)

select * from kinds
