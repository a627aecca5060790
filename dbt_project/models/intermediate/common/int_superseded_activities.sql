{{ config(materialized='table') }}

-- Versions of activities that a night before this one replaced.
with superseded as (

    {{ superseded_versions(ref('int_posted__activities'), ['activity_id']) }}

)

select * from superseded
