{{ config(materialized='table') }}

-- Evidence of tier changes by difference, as the changes themselves: a row for each change and metric.
with postings as (

    {{ rows_by_difference(
        ref('int_tier_evidence'), ref('int_posted__tier_evidence'), tier_evidence_names(), 'evidence') }}

)

select * from postings
