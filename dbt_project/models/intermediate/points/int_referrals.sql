-- Referrals that may earn, and why the others may not: nobody brings themself, nobody is brought twice, and nobody
-- brings whoever has referred somebody before, because they were a member already. The last referral of a loop, however
-- long, is one of these. Judged by members, so that two accounts of one person are no friends.
with referrals as (

    select
        activities.activity_id,
        activities.source,
        activities.account_id,
        activities.occurred_at,
        behaviours.referred_account_id
    from {{ ref('int_activities') }} as activities
    inner join {{ ref('int_behaviours') }} as behaviours
        on activities.source = behaviours.source
        and activities.document_no = behaviours.event_id
    where activities.activity_type = 'referral'

),

links as (

    select * from {{ ref('int_member_links') }}

),

pairs as (

    select
        referrals.activity_id,
        referrals.occurred_at,
        referrer.member_id as referrer_id,
        referred.member_id as referred_id
    from referrals
    left join links as referrer
        on referrals.source = referrer.source
        and referrals.account_id = referrer.account_id
    left join links as referred
        on referrals.source = referred.source
        and referrals.referred_account_id = referred.account_id

),

-- The first to bring somebody is the one who did.
ranked as (

    select
        *,
        row_number() over (partition by referred_id order by occurred_at, activity_id) as place
    from pairs
    where referrer_id <> referred_id

),

-- What shows first that somebody is a member.
first_acts as (

    select
        referrer_id,
        occurred_at,
        activity_id,
        row_number() over (partition by referrer_id order by occurred_at, activity_id) as place
    from pairs
    where referrer_id is not null

),

judged as (

    select
        pairs.activity_id,
        case
            when pairs.referred_id is null then 'referred_account_unknown'
            when pairs.referrer_id = pairs.referred_id then 'referred_oneself'
            when ranked.place > 1 then 'referred_before'
            when first_acts.activity_id is not null then 'referred_as_member'
        end as reason
    from pairs
    left join ranked on pairs.activity_id = ranked.activity_id
    left join first_acts
        on pairs.referred_id = first_acts.referrer_id
        and first_acts.place = 1
        and (first_acts.occurred_at < pairs.occurred_at
            or (first_acts.occurred_at = pairs.occurred_at and first_acts.activity_id < pairs.activity_id))

)

select * from judged
