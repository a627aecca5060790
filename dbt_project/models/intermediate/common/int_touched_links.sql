{{ config(materialized='table') }}

-- The accounts of touched members.
with links as (

    select * from {{ ref('int_member_links') }}

),

touched as (

    select
        links.source,
        links.account_id,
        links.member_id
    from links
    inner join {{ ref('int_touched_members') }} as touched_members on links.member_id = touched_members.member_id

)

select * from touched
