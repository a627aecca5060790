-- What people do besides paying, of the businesses that say so: one row an event.
with behaviours as (
{{ over_businesses('behaviours', [
    'source', 'event_id', 'account_id', 'event_type', 'occurred_at', 'business_date', 'page',
    'item_id', 'offer_id', 'referred_account_id', 'reward_points', 'source_file', 'source_row',
    'load_date']) }}
)

select * from behaviours
