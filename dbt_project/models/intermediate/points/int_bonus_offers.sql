-- Candidates with what their rule would give, and what stands in the way so far: amount, the base rate, discount, tier,
-- birthday, mission, tag, which activity it is in its period, what a better rule of the same group gives.
with candidates as (

    select
        *,
        {{ bonus_points('paid_fen') }} as full_points,
        case ordinal_period
            when 'day' then business_date
            when 'week' then {{ week_of('business_date') }}
            when 'month' then {{ month_of('business_date') }}
            when 'year' then {{ year_of('business_date') }}
        end as ordinal_start_date
    from {{ ref('int_bonus_candidates') }}

),

-- An activity below the least amount is none as far as the rule counts.
counted as (

    select
        candidates.*,
        case
            when paid_fen < least_paid_fen then 0
            else row_number() over (
                partition by member_id, rule, ordinal_start_date, coalesce(paid_fen < least_paid_fen, false)
                order by business_date, occurred_at, activity_id
            )
        end as ordinal
    from candidates

),

asked as (

    select
        counted.*,
        birthdays.birthday_date,
        case
            when referrals.reason is not null then referrals.reason
            when paid_fen < least_paid_fen then 'below_least_paid'
            when base_reason is not null then base_reason
            when is_full_price_asked and discount_fen > 0 then 'discounted'
            when not {{ is_listed('tier', 'tiers') }} then 'tier_not_eligible'
            when birthdays.reason is not null then birthdays.reason
            when missions.reason is not null then missions.reason
            when tags.reason is not null then tags.reason
            when ordinal_period is not null
                and (ordinal < ordinal_from or ordinal > coalesce(ordinal_until, ordinal)) then 'not_the_nth'
            when full_points = 0 then 'below_one_point'
        end as reason
    from counted
    left join {{ ref('int_referrals') }} as referrals on counted.activity_id = referrals.activity_id
    left join {{ ref('int_bonus_birthdays') }} as birthdays
        on counted.activity_id = birthdays.activity_id
        and counted.rule = birthdays.rule
    left join {{ ref('int_bonus_missions') }} as missions
        on counted.activity_id = missions.activity_id
        and counted.rule = missions.rule
    left join {{ ref('int_bonus_tags') }} as tags
        on counted.activity_id = tags.activity_id
        and counted.rule = tags.rule

),

offers as (

    select
        *,
        case
            when reason is null and only_best_of is not null then row_number() over (
                partition by activity_id, only_best_of, reason is null
                order by full_points desc, rank, rule
            )
            else 1
        end as place
    from asked

)

select * from offers
