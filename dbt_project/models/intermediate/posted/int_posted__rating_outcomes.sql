with posted as (

    {{ posted_before_tonight(source('posted', 'rating_outcomes')) }}

)

select * from posted
