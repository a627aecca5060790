-- Of accounts that differ, what the fold derived less what was posted. Derived entries are asked for twice by their own
-- name: what a query names twice, DuckDB keeps whole.
with compared as (

    select derived.*
    from {{ ref('int_points_derived') }} as derived
    inner join {{ ref('int_points_differing') }} as differing
        on derived.source = differing.source
        and derived.account_id = differing.account_id
        and differing.is_posted

),

-- An account of which nothing was posted has nothing to compare: the fold writes no entry twice.
first_entries as (

    select derived.*
    from {{ ref('int_points_derived') }} as derived
    inner join {{ ref('int_points_differing') }} as differing
        on derived.source = differing.source
        and derived.account_id = differing.account_id
        and not differing.is_posted

),

posted as (

    select posted.*
    from {{ ref('int_points_posted') }} as posted
    inner join {{ ref('int_points_differing') }} as differing
        on posted.source = differing.source
        and posted.account_id = differing.account_id

),

both_sides as (

    select {{ points_entry_content() | join(', ') }}, points as difference_points
    from compared
    union all
    select {{ points_entry_content() | join(', ') }}, -points as difference_points
    from posted

),

differences as (

    select
        {{ points_entry_content() | join(', ') }},
        sum(difference_points) as difference_points
    from both_sides
    group by {{ points_entry_content() | join(', ') }}
    having sum(difference_points) <> 0
    union all
    select {{ points_entry_content() | join(', ') }}, points as difference_points
    from first_entries

)

select * from differences
