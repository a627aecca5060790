with posted as (

    {{ posted_before_tonight(source('posted', 'member_links')) }}

)

select * from posted
