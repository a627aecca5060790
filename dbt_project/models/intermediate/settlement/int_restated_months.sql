-- Months that two people reopened: their version now, and the night through which late lines became part of them.
with restatements as (

    {{ written_tonight(source('rules', 'restatements')) }}

),

months as (

    select
        period_month as restated_month,
        max(version) as statement_version,
        max(posted_through_date) as posted_through_date
    from restatements
    group by period_month

)

select * from months
