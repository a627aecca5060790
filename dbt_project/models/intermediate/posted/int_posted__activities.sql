with posted as (

    {{ posted_before_tonight(source('posted', 'activities')) }}

)

select * from posted
