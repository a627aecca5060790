-- Candidates of rules that ask for a tag: whether the member bore it on the day of the activity.
with candidates as (

    select * from {{ ref('int_bonus_candidates') }}
    where with_tag is not null

),

tags as (

    select * from {{ ref('int_member_tags') }}

),

judged as (

    select
        candidates.activity_id,
        candidates.rule,
        case when count(tags.tag) = 0 then 'no_tag' end as reason
    from candidates
    left join tags
        on candidates.member_id = tags.member_id
        and candidates.with_tag = tags.tag
        and candidates.business_date >= tags.valid_from_date
        and candidates.business_date < tags.valid_until_date
    group by candidates.activity_id, candidates.rule

)

select * from judged
