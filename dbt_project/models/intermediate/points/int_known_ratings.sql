-- Outcomes as they were believed after the last night: of each, the version posted last, unless that withdrew it.
with known as (

    {{ versions_in_force(
        ref('int_posted__rating_outcomes'), ref('int_superseded_ratings'), ['activity_id', 'rule']) }}

)

select * from known
