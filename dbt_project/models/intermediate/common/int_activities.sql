-- Every activity as it is believed tonight: what earlier nights posted and tonight did not change, and tonight's.
with known as (

    select * from {{ ref('int_known_activities') }}

),

postings as (

    select * from {{ ref('int_activity_postings') }}

),

unchanged as (

    select known.*
    from known
    left join postings on known.activity_id = postings.activity_id
    where postings.activity_id is null

),

activities as (

    select {{ activity_columns() }} from unchanged
    union all
    select {{ activity_columns() }} from postings
    where not is_withdrawn

)

select * from activities
