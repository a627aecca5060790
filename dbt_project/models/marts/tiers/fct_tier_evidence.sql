-- What each change of tier was decided by: one row for each change and metric, append-only like the changes.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

posted as (

    select evidence_id, posted_date, {{ tier_evidence_columns('earlier') }}, is_reversal
    from {{ ref('int_posted__tier_evidence') }} as earlier
    union all
    select
        evidence_id,
        (select business_date from tonight) as posted_date,
        {{ tier_evidence_columns('tonights') }},
        is_reversal
    from {{ ref('int_tier_evidence_postings') }} as tonights

),

evidence as (

    select
        posted.evidence_id,
        posted.posted_date,
        {{ tier_evidence_columns('posted') }},
        metrics.metric_name,
        posted.is_reversal
    from posted
    left join {{ ref('int_rules__tier_metrics') }} as metrics on posted.metric = metrics.metric

)

select * from evidence
