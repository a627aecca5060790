{{ config(materialized='table') }}

-- Tier changes by difference, like points: what is derived tonight and was not posted is added, what was posted
-- and is no longer derived is taken back.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

touched as (

    select * from {{ ref('int_touched_members') }}

),

derived as (

    select
        {{ tier_change_columns('periods') }},
        1 as difference
    from {{ ref('int_tier_periods') }} as periods

),

posted as (

    select
        {{ tier_change_columns('changes') }},
        case when changes.is_reversal then 1 else -1 end as difference
    from {{ ref('int_posted__tier_changes') }} as changes
    inner join touched on changes.member_id = touched.member_id

),

both_sides as (

    select * from derived
    union all
    select * from posted

),

differences as (

    select
        {{ tier_change_columns('both_sides') }},
        sum(difference) as difference
    from both_sides
    group by {{ tier_change_columns('both_sides') }}
    having sum(difference) <> 0

),

keyed as (

    select
        {{ row_key(tier_change_names()) }} as change_key,
        *
    from differences

),

postings as (

    select
        md5(keyed.change_key || '|' || cast(tonight.business_date as string)) as change_id,
        keyed.change_key,
        {{ tier_change_columns('keyed') }},
        keyed.difference < 0 as is_reversal
    from keyed
    cross join tonight

)

select * from postings
