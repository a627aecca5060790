with posted as (

    select * from {{ source('posted', 'member_links') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

before_tonight as (

    select posted.*
    from posted
    inner join tonight on posted.posted_date <= tonight.previous_date

)

select * from before_tonight
