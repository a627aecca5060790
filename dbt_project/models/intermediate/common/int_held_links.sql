-- Links that identity resolution held back tonight, one row for each shared value. The value itself stays behind.
with written as (

    {{ resolved_tonight('held_links') }}

),

held_links as (

    select
        low_source,
        low_account_id,
        high_source,
        high_account_id,
        rule,
        value_type,
        weight_millibits,
        reason
    from written

)

select * from held_links
