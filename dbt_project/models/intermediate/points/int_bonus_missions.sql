-- Candidates of rules that ask for a mission: whether one of the member was live on the day of the activity.
with candidates as (

    select * from {{ ref('int_bonus_candidates') }}
    where with_mission is not null

),

offered as (

    select * from {{ ref('int_offered_missions') }}

),

judged as (

    select
        candidates.activity_id,
        candidates.rule,
        case when count(offered.mission_id) = 0 then 'no_mission' end as reason
    from candidates
    left join offered
        on candidates.member_id = offered.member_id
        and candidates.with_mission = offered.mission
        and candidates.business_date >= offered.valid_from_date
        and candidates.business_date < offered.valid_until_date
    group by candidates.activity_id, candidates.rule

)

select * from judged
