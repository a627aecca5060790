{{ config(materialized='table') }}

with member_links as (

    select * from {{ source('identity', 'member_links') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

current_links as (

    select
        member_links.source,
        member_links.account_id,
        member_links.member_id,
        member_links.rule
    from member_links
    inner join tonight on member_links.load_date = tonight.business_date

)

select * from current_links
