with rules as (

    {{ written_tonight(source('rules', 'tier_metrics')) }}

),

named as (

    select
        metric,
        metric_name,
        metric_number
    from rules

)

select * from named
