{{ config(materialized='table') }}

with written as (

    {{ written_tonight(source('identity', 'member_links')) }}

),

current_links as (

    select
        source,
        account_id,
        member_id,
        rule
    from written

)

select * from current_links
