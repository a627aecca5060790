{{ config(materialized='table') }}

with written as (

    {{ resolved_tonight('member_links') }}

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
