with posted as (

    {{ posted_before_tonight(source('posted', 'missions')) }}

)

select * from posted
