-- Activities as they were believed after the last night: of each, the version posted last, unless that withdrew it.
with known as (

    {{ versions_in_force(ref('int_posted__activities'), ref('int_superseded_activities'), ['activity_id']) }}

)

select * from known
