with source as (

    select * from {{ source('outlet', 'customers') }}

),

latest as (
{{ latest_version('source', ['customer_id']) }}
),

renamed as (

    select
        customer_id as account_id,
        mobile_token,
        name_masked,
        mobile_masked,
        registered_date,
        is_marketing_consented,
        load_date
    from latest

)

select * from renamed
