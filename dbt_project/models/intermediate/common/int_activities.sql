-- Every activity as it is believed tonight: what earlier nights posted and tonight did not change, and tonight's.
-- Tonight's are asked for twice by their own name: over what a query names twice, DuckDB reads every column of both.
with known as (

    select * from {{ ref('int_known_activities') }}

),

unchanged as (

    select known.*
    from known
    left join {{ ref('int_activity_postings') }} as postings on known.activity_id = postings.activity_id
    where postings.activity_id is null

),

activities as (

    select {{ activity_columns() }} from unchanged
    union all
    select {{ activity_columns() }} from {{ ref('int_activity_postings') }}
    where not is_withdrawn

)

select * from activities
