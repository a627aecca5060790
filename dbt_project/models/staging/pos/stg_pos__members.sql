with source as (

    select * from {{ source('pos', 'members') }}

),

latest as (
{{ latest_version('source', ['member_no']) }}
),

renamed as (

    select
        member_no as account_id,
        card_no_token,
        mobile_token,
        unionid_token,
        plate_no_token,
        coalesce(is_mobile_verified, false) as is_mobile_verified,
        name_masked,
        mobile_masked,
        gender,
        birth_year,
        registered_date,
        is_marketing_consented,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
