-- Value of days with a visit: a day counts once a member and feed, with its first activity. It is taken back once the
-- last of its orders is refunded in full.
with fed as (

    select fed.*, links.member_id
    from {{ ref('int_fed_activities') }} as fed
    inner join {{ ref('int_member_links') }} as links
        on fed.source = links.source
        and fed.account_id = links.account_id
    where fed.unit = 'visit_day'

),

numbered as (

    select
        fed.*,
        refunds.activity_id as refund_activity_id,
        refunds.occurred_at as refunded_at,
        refunds.business_date as refunded_date,
        row_number() over (
            partition by fed.member_id, fed.metric, fed.feed_number, fed.business_date
            order by fed.occurred_at, fed.activity_id
        ) as place,
        row_number() over (
            partition by fed.member_id, fed.metric, fed.feed_number, fed.business_date
            order by
                refunds.business_date desc nulls last,
                refunds.occurred_at desc nulls last,
                refunds.activity_id desc nulls last
        ) as refund_place,
        count(*) over (partition by fed.member_id, fed.metric, fed.feed_number, fed.business_date) as order_count,
        count(refunds.activity_id) over (
            partition by fed.member_id, fed.metric, fed.feed_number, fed.business_date
        ) as refund_count
    from fed
    left join {{ ref('int_full_refunds') }} as refunds on fed.activity_id = refunds.order_activity_id

),

both_ways as (

    select
        member_id, activity_id, occurred_at, business_date, business_date as origin_date, metric, value
    from numbered
    where place = 1
    union all
    select
        member_id,
        refund_activity_id as activity_id,
        refunded_at as occurred_at,
        refunded_date as business_date,
        business_date as origin_date,
        metric,
        -value as value
    from numbered
    where refund_place = 1 and order_count = refund_count

)

select * from both_ways
