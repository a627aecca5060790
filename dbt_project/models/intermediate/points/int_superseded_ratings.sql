{{ config(materialized='table') }}

-- Versions of outcomes that a night before this one replaced.
with superseded as (

    {{ superseded_versions(ref('int_posted__rating_outcomes'), ['activity_id', 'rule']) }}

)

select * from superseded
