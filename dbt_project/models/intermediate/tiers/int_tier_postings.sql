{{ config(materialized='table') }}

-- Tier changes by difference, like points: what is derived tonight and was not posted is added, what was posted
-- and is no longer derived is taken back.
with postings as (

    {{ rows_by_difference(
        ref('int_tier_periods'), ref('int_posted__tier_changes'), tier_change_names(), 'change') }}

)

select * from postings
