with posted as (

    {{ posted_before_tonight(source('posted', 'settlement_lines')) }}

)

select * from posted
