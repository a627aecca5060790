with posted as (

    {{ posted_before_tonight(source('posted', 'points_entries')) }}

)

select * from posted
