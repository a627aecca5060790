with written as (

    {{ written_tonight(source('evaluated', 'evaluation')) }}

),

figures as (

    select
        figure,
        value
    from written

)

select * from figures
