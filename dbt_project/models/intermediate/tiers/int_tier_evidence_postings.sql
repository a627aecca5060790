{{ config(materialized='table') }}

-- Evidence of tier changes by difference, as the changes themselves: a row for each change and metric.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

touched as (

    select * from {{ ref('int_touched_members') }}

),

derived as (

    select
        {{ tier_evidence_columns('evidence') }},
        1 as difference
    from {{ ref('int_tier_evidence') }} as evidence

),

posted as (

    select
        {{ tier_evidence_columns('earlier') }},
        case when earlier.is_reversal then 1 else -1 end as difference
    from {{ ref('int_posted__tier_evidence') }} as earlier
    inner join touched on earlier.member_id = touched.member_id

),

both_sides as (

    select * from derived
    union all
    select * from posted

),

differences as (

    select
        {{ tier_evidence_columns('both_sides') }},
        sum(difference) as difference
    from both_sides
    group by {{ tier_evidence_columns('both_sides') }}
    having sum(difference) <> 0

),

keyed as (

    select
        {{ row_key(tier_evidence_names()) }} as evidence_key,
        *
    from differences

),

postings as (

    select
        md5(keyed.evidence_key || '|' || cast(tonight.business_date as string)) as evidence_id,
        keyed.evidence_key,
        {{ tier_evidence_columns('keyed') }},
        keyed.difference < 0 as is_reversal
    from keyed
    cross join tonight

)

select * from postings
