with rules as (

    {{ written_tonight(source('rules', 'fund')) }}

),

named as (

    select
        party,
        party_name
    from rules

)

select * from named
