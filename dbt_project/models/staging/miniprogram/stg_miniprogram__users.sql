with source as (

    select * from {{ source('miniprogram', 'users') }}

),

latest as (
{{ latest_version('source', ['user_id']) }}
),

renamed as (

    select
        user_id as account_id,
        openid_token,
        unionid_token,
        mobile_token,
        mobile_masked,
        gender,
        registered_date,
        is_marketing_consented,
        load_date
    from latest

)

select * from renamed
