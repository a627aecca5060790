-- What each refund takes back of each bonus of its order: what the rule gave for the amount left before it, less what
-- it gives for the amount left after it.
with refunds as (

    select * from {{ ref('int_refunds') }}

),

bonuses as (

    select * from {{ ref('int_capped_bonuses') }}
    where outcome = 'awarded'

),

taken_back as (

    select
        refunds.activity_id,
        refunds.business,
        refunds.business_date,
        refunds.occurred_at,
        refunds.order_activity_id,
        refunds.order_date,
        bonuses.member_id,
        bonuses.source,
        bonuses.account_id,
        bonuses.rule,
        bonuses.rule_id,
        bonuses.tier,
        bonuses.refund_policy,
        cast({{ bonus_points_left('refunds.remaining_before_fen') }}
            - {{ bonus_points_left('refunds.remaining_after_fen') }} as bigint) as points
    from refunds
    inner join bonuses on refunds.order_activity_id = bonuses.activity_id

)

select * from taken_back
