-- Activities as they were believed after the last night: of each, the version posted last, unless that withdrew it.
with posted as (

    select * from {{ ref('int_posted__activities') }}

),

known as (

    {{ versions_in_force('posted', ['activity_id']) }}

)

select * from known
