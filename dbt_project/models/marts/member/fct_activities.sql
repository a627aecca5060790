with activities as (

    select * from {{ ref('int_activities') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

member_activities as (

    select
        activities.activity_id,
        activities.source,
        activities.business,
        activities.document_no,
        links.member_id,
        activities.account_id,
        activities.activity_type,
        activities.occurred_at,
        activities.business_date,
        activities.reverses_activity_id,
        activities.unit_id,
        activities.merchant_id,
        activities.channel,
        activities.category,
        activities.gross_fen,
        activities.discount_fen,
        activities.paid_fen,
        activities.points,
        activities.quantity,
        activities.source_file,
        activities.source_row,
        activities.load_date
    from activities
    left join links
        on activities.source = links.source
        and activities.account_id = links.account_id

)

select * from member_activities
