-- What activities are worth to the metrics of tiers, by the feeds in force on their own date.
with activities as (

    select * from {{ ref('int_activities') }}

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
    {{ fed_by('activities', 'activities.business', 'activities.activity_type', 'activities.business_date') }}

)

select * from fed
