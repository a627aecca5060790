with users as (

    select * from {{ ref('stg_miniprogram__users') }}

),

-- All three come from WeChat, which has checked them.
tokens as (

    select
        account_id,
        registered_date,
        load_date,
        'openid' as identifier_type,
        openid_token as identifier_token
    from users
    union all
    select
        account_id,
        registered_date,
        load_date,
        'unionid' as identifier_type,
        unionid_token as identifier_token
    from users
    union all
    select
        account_id,
        registered_date,
        load_date,
        'mobile' as identifier_type,
        mobile_token as identifier_token
    from users

),

identifiers as (

    select
        'miniprogram' as source,
        account_id,
        identifier_type,
        identifier_token,
        true as is_verified,
        registered_date as first_seen_date,
        load_date as last_seen_date,
        cast(null as date) as valid_until_date
    from tokens
    where identifier_token is not null

)

select * from identifiers
