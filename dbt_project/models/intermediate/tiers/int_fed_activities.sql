-- What activities are worth to the metrics of tiers, by the feeds in force on their own date. What happened through a
-- migration's cut-over date counts only if the migration says so.
with activities as (

    select * from {{ ref('int_activities') }}

),

uncounted as (

    select * from {{ ref('int_rules__migrations') }}
    where not is_counted_for_tiers

),

feeds as (

    select * from {{ ref('int_rules__tier_feeds') }}

),

fed as (

    select
        activities.activity_id,
        activities.source,
        activities.account_id,
        activities.business,
        activities.occurred_at,
        activities.business_date,
        activities.paid_fen,
        activities.quantity,
        feeds.metric,
        feeds.feed_number,
        feeds.unit,
        feeds.is_pending_counted,
        feeds.value
    from activities
    inner join feeds
        on activities.business = feeds.business
        and activities.activity_type = feeds.activity_type
        and activities.business_date >= feeds.valid_from_date
        and activities.business_date < feeds.valid_until_date
    left join uncounted
        on activities.business = uncounted.business
        and activities.business_date <= uncounted.cut_over_date
    where uncounted.business is null

)

select * from fed
