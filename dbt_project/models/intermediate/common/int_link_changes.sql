with written as (

    {{ written_tonight(source('identity', 'link_changes')) }}

),

tonights_changes as (

    select
        source,
        account_id,
        previous_member_id,
        member_id,
        reason
    from written

)

select * from tonights_changes
