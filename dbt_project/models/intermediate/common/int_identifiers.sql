{{ config(materialized='file') }}

with identifiers as (
{{ over_businesses('identifiers', [
    'source', 'account_id', 'identifier_type', 'identifier_token', 'is_verified',
    'first_seen_date', 'last_seen_date', 'valid_until_date']) }}
),

ordered as (

    select * from identifiers
    order by source, account_id, identifier_type, identifier_token

)

select * from ordered
