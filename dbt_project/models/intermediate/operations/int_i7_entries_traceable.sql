-- I7: every points entry leads to an activity with a source row and to a rule; every activity has one outcome of the
-- base rate, and one of each other rule at most.
-- Activities are asked for twice by their own name: what a query names twice, DuckDB keeps whole.
with entries as (

    select
        *,
        {{ signed('points') }} as signed_points
    from {{ ref('fct_points_entries') }}

),

ratings as (

    select
        activity_id,
        count_if(rule = 'base' and outcome is not null) as outcome_count,
        count(*) - count(distinct rule) as repeated_count
    from {{ ref('int_rating_outcomes') }}
    group by activity_id

),

net_entries as (

    select
        entry_key,
        min(activity_id) as activity_id,
        min(rule_id) as rule_id
    from entries
    group by entry_key
    having sum(signed_points) <> 0

),

each_one as (

    select
        activities.source_file is null
            or activities.source_row is null
            or net_entries.rule_id is null as is_violation
    from net_entries
    left join {{ ref('int_activities') }} as activities on net_entries.activity_id = activities.activity_id
    union all
    select coalesce(ratings.outcome_count, 0) <> 1 or ratings.repeated_count > 0 as is_violation
    from {{ ref('int_activities') }} as activities
    left join ratings on activities.activity_id = ratings.activity_id

),

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from each_one

)

select * from checked
