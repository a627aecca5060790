-- What apps and tills told people at once that an order earns, of the businesses whose systems say so.
with shown_points as (
{{ over_businesses('shown_points', ['activity_id', 'source', 'document_no', 'account_id', 'business_date', 'shown_points']) }}
)

select * from shown_points
