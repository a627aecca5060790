-- I1: every posting takes from one party what it gives to another.
with entries as (

    select * from {{ ref('fct_points_entries') }}

),

checked as (

    select
        count(*) as checked_count,
        count_if(points <= 0 or from_party is null or to_party is null
            or (from_party = to_party and from_party not like 'memo:%')) as violation_count
    from entries

)

select * from checked
