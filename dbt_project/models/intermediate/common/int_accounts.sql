{{ config(materialized='file') }}

with accounts as (
{{ over_businesses('accounts', [
    'source', 'account_id', 'first_seen_date', 'gender', 'birth_year', 'name_masked',
    'mobile_masked', 'is_marketing_consented']) }}
),

ordered as (

    select * from accounts
    order by source, account_id

)

select * from ordered
