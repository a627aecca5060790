with source as (

    select * from {{ source('tickets', 'passes') }}

),

latest as (
{{ latest_version('source', ['pass_no']) }}
),

renamed as (

    select
        pass_no as account_id,
        mobile_token,
        name_masked,
        mobile_masked,
        issued_date,
        is_marketing_consented,
        load_date
    from latest

)

select * from renamed
