-- The activities of tonight's touched documents, as the deliveries now say; lines of legacy balances among them.
with activities as (
{{ over_businesses('activities', [
    'activity_id', 'source', 'document_no', 'account_id', 'activity_type', 'occurred_at',
    'business_date', 'reverses_activity_id', 'unit_id', 'merchant_id', 'channel', 'category',
    'gross_fen', 'paid_fen', 'points', 'quantity', 'source_file', 'source_row', 'load_date']) }}
    union all
    select
        business, activity_id, source, document_no, account_id, activity_type, occurred_at, business_date,
        reverses_activity_id, unit_id, merchant_id, channel, category, gross_fen, paid_fen, points, quantity,
        source_file, source_row, load_date
    from {{ ref('int_legacy_activities') }}

),

derived as (

    select
        *,
        gross_fen - paid_fen as discount_fen
    from activities

)

select * from derived
