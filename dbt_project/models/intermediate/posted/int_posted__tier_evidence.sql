with posted as (

    {{ posted_before_tonight(source('posted', 'tier_evidence')) }}

)

select * from posted
