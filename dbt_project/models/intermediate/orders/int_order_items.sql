{{ config(materialized='file') }}

-- What tonight's touched documents sold of each merchant, of the businesses that take money for merchants.
with items as (
{{ over_businesses('order_items', [
    'source', 'activity_id', 'reverses_activity_id', 'account_id', 'occurred_at', 'business_date', 'merchant_id',
    'category', 'due_fen', 'source_file', 'source_row']) }}
)

select * from items
