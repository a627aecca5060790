-- What refunds are worth to the metrics of tiers: as their orders, by the feeds in force on the order's date.
with refunds as (

    select * from {{ ref('int_refunds') }}

),

fed as (

    select
        refunds.activity_id,
        refunds.source,
        refunds.account_id,
        refunds.order_business as business,
        refunds.occurred_at,
        refunds.business_date,
        refunds.order_date,
        refunds.order_quantity as quantity,
        refunds.remaining_before_fen,
        refunds.remaining_after_fen,
        {{ is_full_refund('refunds') }} as is_full,
        feeds.metric,
        feeds.unit,
        feeds.is_pending_counted,
        feeds.value
    {{ fed_by('refunds', 'refunds.order_business', 'refunds.order_type', 'refunds.order_date') }}

)

select * from fed
