with posted as (

    {{ posted_before_tonight(source('posted', 'tier_changes')) }}

)

select * from posted
